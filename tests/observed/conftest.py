"""Real processes that carry a tag, each ended by its pidfd when the test is over."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.model.host.fifo import FifoName
from reconciler.model.state.observed import Exit, Process, ProcessId, Tag
from reconciler.observed.processes import pidfds
from reconciler.observed.processes.host import Host
from reconciler.system import procfs
from tests.waiting import until

SLEEP = "import time; time.sleep(600)"


class Zoo:
    """Processes of one store of its own, so that no test sees another's."""

    def __init__(self, root: Path) -> None:
        self.root = Path(os.path.realpath(root))
        self.store = secrets.token_hex(4)
        self.strays: list[ProcessId] = []
        self._children: list[subprocess.Popen[bytes]] = []
        (self.root / "fifo").mkdir()

    def tag(self, app: str = "app", instance: int = 0, nonce: str = "") -> Tag:
        return Tag(self.store, app, instance, "h.-", nonce or secrets.token_hex(6))

    def fifo(self, tag: Tag) -> Path:
        path = self.root / "fifo" / str(FifoName(tag.app, tag.instance, tag.hash, tag.nonce, "out"))
        os.mkfifo(path)
        return path

    def start(
        self,
        tag: Tag | None,
        source: str = SLEEP,
        *,
        fifo: Path | None = None,
        command: list[str] | None = None,
        session: bool = True,
    ) -> ProcessId:
        """A child with a tag in its environment (None: without) and a FIFO as its output."""
        environ = {"PATH": os.environ["PATH"], **({"RECON_ID": str(tag)} if tag else {})}
        output = os.open(fifo or os.devnull, os.O_RDWR)
        try:
            child = subprocess.Popen(
                command or [sys.executable, "-c", source],
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.DEVNULL,
                start_new_session=session,
                cwd=self.root,
            )
        finally:
            os.close(output)
        self._children.append(child)
        return identity(child.pid)

    def start_stranger(self, tag: Tag, source: str = SLEEP) -> ProcessId:
        """A tagged session leader that is not our child: its parent has ended."""
        told = self.root / f"pid-{secrets.token_hex(4)}"
        starter = (
            "import subprocess, sys, os\n"
            f"p = subprocess.Popen([sys.executable, '-c', {source!r}], start_new_session=True)\n"
            f"open({str(told)!r} + '.new', 'w').write(str(p.pid))\n"
            f"os.rename({str(told)!r} + '.new', {str(told)!r})\n"
            "os._exit(0)"
        )
        self.start(tag, starter)
        self._children[-1].wait()
        return self.stray(told)

    def stray(self, told: Path) -> ProcessId:
        """A process that another one started and told of in a file; ended with the rest."""
        until(lambda: told.exists() and told.read_text(), what=f"{told} to be written")
        id = identity(int(told.read_text()))
        self.strays.append(id)
        return id

    def kill(self, id: ProcessId, signum: int = signal.SIGKILL) -> None:
        pidfds.send_to(id, signum)

    def close(self) -> None:
        for child in self._children:
            if child.returncode is None:
                self.strays += _forked_by(child.pid)
        for id in self.strays:
            pidfds.send_to(id, signal.SIGKILL)
        for child in self._children:
            if child.returncode is None:
                found = procfs.stat(child.pid)
                if found is not None and found.ppid == os.getpid():
                    pidfds.send_to(ProcessId(child.pid, found.start), signal.SIGKILL)
                child.wait()  # reaped by a host, it counts as ended
        for id in self.strays:
            until(lambda id=id: gone(id), what=f"pid {id.pid} to end")  # type: ignore[misc]  # mypy cannot infer a lambda with a default


def _forked_by(pid: int) -> list[ProcessId]:
    found = {forked: procfs.stat(forked) for forked in procfs.family(pid)[1:]}
    return [ProcessId(forked, seen.start) for forked, seen in found.items() if seen is not None]


class Watched:
    """A host with its loop, and what it said."""

    def __init__(self, zoo: Zoo, journal: Callable[[ProcessId], Tag | None]) -> None:
        self.loop = asyncio.new_event_loop()
        self.exits: list[tuple[Process, Exit, tuple[ProcessId, ...]]] = []
        self.gone: list[str] = []
        self.mains: dict[str, ProcessId] = {}
        """By nonce, the main processes of an earlier controller."""
        self.host = Host(
            zoo.store,
            zoo.root,
            self.loop,
            journal=journal,
            main_of=self.mains.get,
            on_exit=self._exited,
            on_gone=lambda tag: self.gone.append(tag.nonce),
        )

    def _exited(self, process: Process, exit: Exit) -> None:
        left = self.host.leftovers(process.tag.nonce)
        self.exits.append((process, exit, left))

    def until(self, condition: Callable[[], object], what: str = "") -> None:
        def turn() -> object:
            self.loop.run_until_complete(asyncio.sleep(0.001))
            return condition()

        until(turn, what=what)

    def close(self) -> None:
        self.host.close()
        self.loop.close()


def identity(pid: int) -> ProcessId:
    found = procfs.stat(pid)
    assert found is not None, f"pid {pid} is gone"
    return ProcessId(pid, found.start)


def gone(id: ProcessId) -> bool:
    found = procfs.stat(id.pid)
    return found is None or found.start != id.start or procfs.is_dead(found)


def tags(pid: int) -> list[bytes]:
    """What its environment says of any recon."""
    return [*procfs.values(procfs.environment(pid, 1 << 20), b"RECON_ID=")]


def nobody(_id: ProcessId) -> None:
    """A journal that knows nothing."""


@pytest.fixture
def zoo(tmp_path: Path) -> Iterator[Zoo]:
    made = Zoo(tmp_path)
    yield made
    made.close()


@pytest.fixture
def watched(zoo: Zoo) -> Iterator[Watched]:
    made = Watched(zoo, nobody)
    yield made
    made.close()
