"""Real programs for the tests of converge, each ended by pidfd at the end of its test."""

from __future__ import annotations

import _socket
import asyncio
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from reconciler.converge.process import forkserver, stub
from reconciler.converge.process.forkserver import ForkServer
from reconciler.converge.process.report import Report
from reconciler.converge.process.spawn import Spawned, spawn
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import DesiredApp, Source
from reconciler.model.state.observed import Tag
from tests.converge.inherited import Program, Shared, end, launch, tcp
from tests.converge.process.node import Start
from tests.waiting import until

MakeApp = Callable[..., DesiredApp]
SpawnApp = Callable[..., Spawned]


def new_tag(app: str = "app", instance: int = 0) -> Tag:
    return Tag("teststore", app, instance, "hash", secrets.token_hex(6))


def python(source: str) -> list[str]:
    """A command that runs ``source`` with this interpreter."""
    return [sys.executable, "-c", source]


def ended(pidfd: int) -> bool:
    return os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def settle(report: Report) -> None:
    """Until the stub has become its program; SpawnError where it could not."""
    until(report.look, what="the program is exec'd")
    if report.failure is not None:
        raise report.failure


@pytest.fixture
def make_app(tmp_path: Path) -> MakeApp:
    def make(command: Any, **spec: Any) -> DesiredApp:
        spec.setdefault("cwd", str(tmp_path))
        model = AppSpec.model_validate({"command": command, **spec})
        return DesiredApp(name="app", spec=model, hash="hash", source=Source("/app.yaml", 1))

    return make


@pytest.fixture
def spawn_app() -> Iterator[SpawnApp]:
    """``spawn``, with output to /dev/null unless told; what it started is killed and reaped."""
    started: list[Spawned] = []
    null = os.open(os.devnull, os.O_RDWR)

    def start(
        app: DesiredApp,
        tag: Tag | None = None,
        out: int | None = None,
        err: int | None = None,
        cgroup: int = -1,
    ) -> Spawned:
        out = null if out is None else out
        spawned = spawn(app, tag or new_tag(), out, out if err is None else err, cgroup=cgroup)
        started.append(spawned)
        settle(spawned.report)
        return spawned

    yield start
    for spawned in started:
        try:
            signal.pidfd_send_signal(spawned.pidfd, signal.SIGKILL)
            os.waitid(os.P_PIDFD, spawned.pidfd, os.WEXITED)
        except (ProcessLookupError, ChildProcessError):
            pass  # ended and reaped by the test
        os.close(spawned.pidfd)
        spawned.report.close()
    os.close(null)


@pytest.fixture
def forked_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], None]]:
    """Call it after a patch: stubs are then forked from a copy of this process, patches and all."""
    made: list[ForkServer] = []

    def begin(fd: int, keep: Sequence[int]) -> int:
        pid = os.fork()
        if pid == 0:
            os.closerange(3, fd)  # as an exec does
            os.closerange(fd + 1, 1024)
            stub.serve(_socket.socket(fileno=fd), [])
            os._exit(0)
        return pid

    def fork() -> None:
        made.append(ForkServer(begin=begin))
        monkeypatch.setattr(forkserver, "_server", made[-1])
        made[-1].prepare()

    yield fork
    for one in made:
        one.close()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    made = asyncio.new_event_loop()
    yield made
    made.close()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[Program] = []

    def begin(source: str | list[str], shared: list[Shared], **more: Any) -> Program:
        output = tmp_path / f"out{len(started)}"
        command = source
        if isinstance(source, str):
            script = tmp_path / f"program{len(started)}.js"
            script.write_text(source)
            command = ["node", str(script)]
        ports = {"PORT": str(shared[0].port)} if shared else {}
        env = {**ports, **more.pop("env", {})}
        started.append(launch(list(command), shared, output, env=env, **more))
        return started[-1]

    yield begin
    for program in started:
        end(program)


@pytest.fixture
def http() -> Iterator[Shared]:
    shared = tcp()
    yield shared
    shared.socket.close()
