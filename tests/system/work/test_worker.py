"""Work in other processes: it is done, or it has failed in time, and nobody waits for it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pickle
import signal
import socket
import subprocess
import sys
import termios
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.system.work.session import HEADER, PAGE
from reconciler.system.work.worker import Shared, TaskFault, WorkerError, Workers, WorkerTimeout
from tests.waiting import until

TASKS = """
import os, re, time
def echo(argument, session): return argument
def fail(argument, session): raise ValueError(argument)
def count(argument, session):
    session.memo["n"] = session.memo.get("n", 0) + 1
    return session.memo["n"], os.getpid()
def stuck(path, session):
    session.at(path)
    re.search(r"(\\w+\\s?)*: ready$", "x" * 60 + "!")  # holds the interpreter
def shared(name, session): return session.shared[name]
def surroundings(argument, session):
    return dict(os.environ), sorted(os.listdir("/proc/self/fd")), os.getsid(0) == os.getpid()
def wait(path, session):
    while not os.path.exists(path): time.sleep(0.001)
"""


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[Callable[[Workers], Awaitable[None]]], None]:
    (tmp_path / "worker_tasks.py").write_text(TASKS)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))

    def run(test: Callable[[Workers], Awaitable[None]]) -> None:
        async def main() -> None:
            workers = Workers(asyncio.get_running_loop())
            try:
                await test(workers)
            finally:
                pids = workers.pids
                workers.close()
            until(lambda: not any(map(_runs, pids)), what="no worker is left")

        asyncio.run(main())

    return run


Run = Callable[[Callable[[Workers], Awaitable[None]]], None]


def ask(
    workers: Workers, name: str, argument: object = None, **options: Any
) -> asyncio.Future[Any]:
    given: dict[str, Any] = {"owner": "web", "seconds": 30.0, **options}
    return workers.call(f"worker_tasks:{name}", argument, **given)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except OSError:
        return False


def test_a_task_is_done_and_a_fault_is_a_sentence(run: Run) -> None:
    async def test(workers: Workers) -> None:
        assert workers.pids == []  # nobody has asked for anything
        large = b"x" * 3_000_000
        assert await ask(workers, "echo", ("b\udcff", large)) == ("b\udcff", large)
        with pytest.raises(TaskFault, match="ValueError: no"):
            await ask(workers, "fail", "no")
        assert await ask(workers, "echo", 1) == 1
        assert len(workers.pids) == 1

    run(test)


def test_a_task_that_does_not_end_is_killed_and_says_where_it_was(run: Run) -> None:
    async def test(workers: Workers) -> None:
        await ask(workers, "echo", seconds=30.0)
        stuck = ask(workers, "stuck", "/srv/\udcff/slow", seconds=0.2)
        (pid,) = workers.pids
        with pytest.raises(WorkerTimeout) as caught:
            await stuck
        assert caught.value.path == "/srv/\udcff/slow"
        until(lambda: not _runs(pid), what="the worker is gone")
        assert await ask(workers, "echo", 2) == 2

    run(test)


def test_one_that_is_stuck_holds_up_nobody_else(run: Run) -> None:
    async def test(workers: Workers) -> None:
        stuck = [ask(workers, "stuck", "/", seconds=60.0, owner=name) for name in "ab"]
        assert await ask(workers, "echo", 3, owner="c") == 3
        assert not any(one.done() for one in stuck)
        assert len(workers.pids) == 3
        for one in stuck:
            one.cancel()

    run(test)


def test_a_worker_that_dies_fails_its_task_at_once(run: Run) -> None:
    async def test(workers: Workers) -> None:
        stuck = ask(workers, "stuck", "/here")
        while workers.pids == []:
            await asyncio.sleep(0)
        descriptor = os.pidfd_open(workers.pids[0])
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        os.close(descriptor)
        with pytest.raises(WorkerError, match="has ended"):
            await stuck
        assert await ask(workers, "echo", 4) == 4

    run(test)


def test_what_is_kept_for_an_owner_is_there_for_its_next_task_until_it_is_forgotten(
    run: Run, tmp_path: Path
) -> None:
    async def test(workers: Workers) -> None:
        go = tmp_path / "go"
        first = await ask(workers, "count", keeps=True)
        other = ask(workers, "wait", str(go), owner="other")
        # Its worker is busy: it waits a moment for that rather than begin anew elsewhere.
        again = ask(workers, "count", keeps=True)
        go.touch()
        assert (await other, await again) == (None, (2, first[1]))
        assert await ask(workers, "count", owner="b", keeps=True) == (1, first[1])
        workers.forget("web")
        assert (await ask(workers, "count", keeps=True))[0] == 1

    run(test)


def test_what_tasks_share_is_sent_once_a_version(run: Run) -> None:
    class Counted:
        sent = 0

        def __reduce__(self) -> tuple[type[str], tuple[str]]:
            Counted.sent += 1
            return str, (f"sent {Counted.sent}",)

    async def test(workers: Workers) -> None:
        for version, seen in ((1, "sent 1"), (1, "sent 1"), (2, "sent 2")):
            given = Shared("places", version, Counted())
            assert await ask(workers, "shared", "places", shared=given) == seen

    run(test)


def test_a_worker_has_none_of_the_controllers_secrets_descriptors_or_session(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter2")
    monkeypatch.setenv("RECON_ID", "store/app/0/hash/nonce")

    async def test(workers: Workers) -> None:
        lock = os.open("/dev/null", os.O_RDONLY)
        os.set_inheritable(lock, True)
        try:
            variables, descriptors, leads = await ask(workers, "surroundings")
        finally:
            os.close(lock)
        assert "DB_PASSWORD" not in variables and "RECON_ID" not in variables
        assert len(descriptors) == 5 and leads  # 0, 1, 2, its memory, and that of the listing

    run(test)


CONTROLLER = """
import asyncio, os, sys
from reconciler.system.work.worker import Workers
async def main():
    workers = Workers(asyncio.get_running_loop())
    workers.call("worker_tasks:stuck", "/", owner="a", seconds=600)
    print(workers.pids[0], flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def test_a_worker_dies_with_its_controller_whatever_it_does(run: Run) -> None:
    words = [sys.executable, "-c", CONTROLLER]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as controller:
        assert controller.stdout is not None
        pid = int(controller.stdout.readline())
        cpu = Path(f"/proc/{pid}/stat")
        until(lambda: int(cpu.read_text().split()[13]) > 5, what="it is at work")
        controller.kill()
        controller.wait()
    until(lambda: not _runs(pid), what="its worker is gone")


def test_a_worker_whose_controller_is_gone_when_it_answers_says_nothing(tmp_path: Path) -> None:
    """Where the end of the controller reaches its socket before it reaches the worker."""
    (tmp_path / "worker_tasks.py").write_text(TASKS)
    near, far = socket.socketpair()
    memory = os.memfd_create("place")
    os.truncate(memory, PAGE)
    words = [sys.executable, "-P", "-m", "reconciler.system.work.workerproc"]
    with far:
        worker = subprocess.Popen(
            [*words, str(os.getpid()), str(memory)],
            stdin=far.fileno(),
            stderr=subprocess.PIPE,
            pass_fds=[memory],
            env={**os.environ, "PYTHONPATH": str(tmp_path)},
        )
    os.close(memory)
    gate = tmp_path / "gate"
    message = pickle.dumps(("worker_tasks:wait", str(gate), None, None))
    near.sendall(len(message).to_bytes(HEADER, "big") + message)
    until(lambda: fcntl.ioctl(near, termios.TIOCOUTQ, bytes(4)) == bytes(4), what="it was read")
    near.close()
    gate.touch()
    _, errors = worker.communicate()
    assert (worker.returncode, errors) == (0, b"")


def test_those_that_cannot_be_killed_are_replaced_but_not_without_end(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in state D: SIGKILL does not end them."""
    killed: list[int] = []
    kill = signal.pidfd_send_signal
    monkeypatch.setattr(signal, "pidfd_send_signal", lambda fd, _: killed.append(os.dup(fd)))

    async def test(workers: Workers) -> None:
        began = time.monotonic()
        with pytest.raises(WorkerError, match="stuck in the kernel"):
            while time.monotonic() - began < 60:
                try:
                    await ask(workers, "stuck", "/", seconds=0.05)
                except WorkerTimeout:
                    continue
        assert len(killed) == 4
        monkeypatch.setattr(signal, "pidfd_send_signal", kill)
        for descriptor in killed:
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
            os.close(descriptor)
        while True:
            try:
                assert await ask(workers, "echo", 5) == 5
                return
            except WorkerError:
                assert time.monotonic() - began < 60
                await asyncio.sleep(0)  # the loop hears of their ends

    run(test)
