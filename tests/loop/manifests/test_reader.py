"""While a path does not answer what is declared stays what it was, and other files are read."""

from __future__ import annotations

import asyncio
import errno
import json
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.desired.directory.store import ManifestStore
from reconciler.loop.manifests import reader
from reconciler.loop.manifests.reader import Reader
from reconciler.loop.watching import answers
from reconciler.loop.watching.answers import Answers
from reconciler.model.state.desired import Reason
from reconciler.system.work import door, threads
from reconciler.system.work.worker import Workers

Body = Callable[[Reader, Answers], Awaitable[None]]


def app(root: Path, name: str, **spec: object) -> Path:
    path = root / f"{name}.yaml"
    document = {"apiVersion": "recon/v1", "kind": "App", "metadata": {"name": name}}
    path.write_text(json.dumps({**document, "spec": {"command": ["true"], **spec}}))
    return path


def reading(root: Path, body: Body) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        workers = Workers(loop)
        known = Answers(loop, workers)
        one = Reader(loop, known, ManifestStore(root))
        try:
            await body(one, known)
        finally:
            one.close()
            known.close()
            workers.close()

    asyncio.run(run())


def test_a_look_takes_effect_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    app(tmp_path, "web")

    async def body(one: Reader, known: Answers) -> None:
        def fail(store: ManifestStore) -> None:
            store.scan()
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await one.look(fail)
        assert not one.store.apps
        await one.look(ManifestStore.scan)
        assert [*one.store.apps] == ["web"]

    reading(tmp_path, body)


def test_where_there_can_be_no_thread_that_is_told_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A user may have no more processes (RLIMIT_NPROC), and a thread counts as one."""
    monkeypatch.setattr(reader, "CHECK", 0.01)
    app(tmp_path, "web")
    begin, left = threads.start, 3

    def refuse(*given: Any, **more: Any) -> threading.Thread:
        nonlocal left
        left -= 1
        if left >= 0:
            raise OSError(errno.EAGAIN, "can't start new thread")
        return begin(*given, **more)

    async def body(one: Reader, known: Answers) -> None:
        monkeypatch.setattr(threads, "start", refuse)
        await one.look(ManifestStore.scan)
        assert left < 0 and [*one.store.apps] == ["web"]
        (message,) = [record.getMessage() for record in caplog.records]
        assert "no thread can be started (RLIMIT_NPROC, pids.max); trying again" in message

    reading(tmp_path, body)


def test_who_refers_to_a_path_that_hangs_keeps_its_last_good_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "CHECK", 0.02)
    monkeypatch.setattr(answers, "_ASK_FIRST", 0.01)
    root, far = tmp_path / "manifests", tmp_path / ".env"
    root.mkdir()
    far.write_text("A=1")
    app(root, "web", envFrom=[str(far)])
    opened, touch = threading.Event(), door.through

    def through(path: str, call: Callable[..., object], *args: object, **kwargs: object) -> object:
        if path != str(far):
            return touch(path, call, *args, **kwargs)
        return touch(path, lambda: (opened.wait(), call(*args, **kwargs))[1])

    async def body(one: Reader, known: Answers) -> None:
        await one.look(ManifestStore.scan)
        good = one.store.apps["web"]
        answered = asyncio.Event()
        known.listen(answered.set)
        monkeypatch.setattr(door, "through", through)
        changed, added = app(root, "web", envFrom=[str(far)], cwd="/"), app(root, "new")
        await one.look(lambda store: store.scan())
        web = one.store.apps["web"]
        assert web.spec == good.spec and web.problem is not None
        assert web.problem.reason is Reason.UNANSWERED and f"{far} does not" in web.problem.message
        assert one.store.apps["new"].problem is None
        opened.set()
        await asyncio.wait_for(answered.wait(), 60)
        await one.look(lambda store: store.refresh([changed, added]))
        await one.look(lambda store: store.scan())
        assert one.store.apps["web"].spec.cwd == "/" and not one.store.problems

    try:
        reading(root, body)
    finally:
        opened.set()
