"""What is held stays open while anything of it lives, however the queue is filled and emptied."""

from __future__ import annotations

import asyncio
import os
import random
import resource
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.logs.write import fifo, holder_process
from reconciler.logs.write.capture import Capture
from reconciler.logs.write.holder import Holder, holder_of
from reconciler.model.host.fifo import FifoName
from reconciler.model.spec.logs import Logs
from tests.logs.write.holders import a_store, end, holders
from tests.otheruser import as_user


class Held:
    """A holder on a loop of its own, and FIFOs that are closed with it."""

    def __init__(self, folder: Path, store: str) -> None:
        self.folder, self.store = folder, store
        self.loop = asyncio.new_event_loop()
        self.holder = Holder(store, self.loop)
        self.fds: dict[Path, int] = {}

    def make(self) -> int:
        path = self.folder / f"{len(list(self.folder.iterdir()))}"
        os.mkfifo(path)
        self.fds[path] = fifo.open_reader(path)
        return self.fds[path]

    def path(self, fd: int) -> Path:
        return next(path for path, one in self.fds.items() if one == fd)

    def drop(self, fd: int) -> Path:
        self.holder.drop(fd)
        path = self.path(fd)
        os.close(self.fds.pop(path))
        return path

    def crash(self) -> None:
        """As if this controller were killed: it closes what it has, and says nothing."""
        self.holder.close(needed=True)
        for fd in self.fds.values():
            os.close(fd)
        self.fds.clear()

    def until(self, condition: Callable[[], object]) -> None:
        async def wait() -> None:
            async with asyncio.timeout(60):
                while not condition():
                    await asyncio.sleep(0.005)

        self.loop.run_until_complete(wait())

    def close(self) -> None:
        self.crash()
        self.loop.close()


@pytest.fixture
def held(tmp_path: Path) -> Iterator[Held]:
    with a_store() as store:
        made = Held(tmp_path, store)
        yield made
        made.close()


def read(path: Path) -> bytes:
    """What waits in a FIFO; nothing where no process has it open."""
    fd = fifo.open_end(path)
    try:
        return os.read(fd, 100)
    except BlockingIOError:
        return b""
    finally:
        os.close(fd)


def test_bytes_outlive_the_controller(held: Held) -> None:
    fds = [held.make() for _ in range(2)]
    held.holder.hold(fds)
    for number, fd in enumerate(fds):
        os.write(fd, b"line %d\n" % number)
    paths = [held.path(fd) for fd in fds]
    held.crash()
    assert [read(path) for path in paths] == [b"line 0\n", b"line 1\n"]
    for pidfd in holder_process.kill_all(held.store):
        end(pidfd)
    assert [fifo.is_written(path) for path in paths] == [False, False]


def test_nothing_runs_before_there_is_something_to_hold(held: Held) -> None:
    held.holder.hold([])
    assert held.holder.pid == 0 and holders(held.store) == 0
    held.holder.hold([held.make()])
    assert holders(held.store) == 1


def test_what_lives_is_held_and_what_ended_is_let_go_of(held: Held) -> None:
    """Random starts and ends; each FIFO's own name is in it."""
    chance = random.Random(14)
    living: list[int] = []
    ended: list[Path] = []
    for _ in range(1500):
        if len(living) > 1 and chance.random() < 0.45:
            fd = living.pop(chance.randrange(len(living)))
            ended.append(held.drop(fd))
            continue
        fds = [held.make(), held.make()]
        held.holder.hold(fds)
        held.holder.hold(fds)  # it is held already
        for fd in fds:
            os.write(fd, os.fsencode(held.path(fd).name))
        living += fds
    assert held.holder.refused == 0
    paths = [held.path(fd) for fd in living]
    late = [path for path in ended if fifo.is_written(path)]
    assert len(late) <= 16 + len(paths) / 16 + 1, "ended ones are let go of"
    held.crash()
    assert [read(path) for path in paths] == [os.fsencode(path.name) for path in paths]


def test_all_that_ended_is_let_go_of_in_the_end(held: Held) -> None:
    fds = [held.make() for _ in range(600)]
    held.holder.hold(fds)
    paths = [held.drop(fd) for fd in fds]
    assert sum(fifo.is_written(path) for path in paths) <= 17


def test_what_is_lent_is_held_until_the_next_renewal(held: Held) -> None:
    fd = held.make()
    path = held.path(fd)
    os.write(fd, b"left")
    reader = fifo.open_end(path)
    held.holder.lend([reader])
    os.close(reader)
    os.close(held.fds.pop(path))
    assert not fifo.is_written(path), "it counts as none that writes"
    keep = fifo.open_end(path)
    assert os.read(keep, 10) == b"left"
    os.close(keep)
    others = [held.make() for _ in range(40)]
    held.holder.hold(others)
    for other in others:
        held.drop(other)
    with pytest.raises(OSError, match="No such device"):  # no reader
        os.open(path, os.O_WRONLY | os.O_NONBLOCK)


def test_a_process_that_is_killed_is_replaced_and_holds_the_same(held: Held) -> None:
    fd = held.make()
    held.holder.hold([fd])
    os.write(fd, b"kept")
    path, first = held.path(fd), held.holder.pid
    os.kill(first, signal.SIGKILL)
    held.until(lambda: held.holder.pid not in (0, first))
    assert holders(held.store) == 1
    facts = held.holder.facts()
    assert (facts.streams, facts.unheld, facts.ended) == (1, 0, 1)
    assert (facts.pid, facts.reason) == (held.holder.pid, None)
    held.crash()
    assert read(path) == b"kept"


def test_a_program_that_does_not_wait_gives_way_to_the_next(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands = [("/bin/false",), *holder_process.commands()]
    monkeypatch.setattr(holder_process, "commands", lambda: commands)
    held.holder = Holder(held.store, held.loop)
    fd = held.make()
    held.holder.hold([fd])
    first = held.holder.pid
    held.until(lambda: held.holder.pid not in (0, first))
    os.write(fd, b"kept")
    path = held.path(fd)
    held.crash()
    assert read(path) == b"kept"


def test_the_next_controllers_holder_takes_the_place_of_the_earlier(held: Held) -> None:
    fd = held.make()
    path = held.path(fd)
    held.holder.hold([fd])
    os.write(fd, b"kept")
    held.crash()
    following = Holder(held.store, held.loop)
    reader = fifo.open_reader(path)
    following.hold([reader])
    assert holders(held.store) == 2
    ended: list[int] = []
    following.supersede(lambda: ended.append(holders(held.store)))
    held.until(lambda: ended == [1])
    assert holders(held.store) == 1
    following.close(needed=True)
    os.close(reader)
    assert read(path) == b"kept"


def test_an_earlier_holder_that_takes_long_to_end_is_awaited_beside_the_loop(
    held: Held, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may be in a frozen cgroup: then it ends when that is thawed."""
    state = tmp_path_factory.mktemp("state")
    name = FifoName("web", 0, "abc", "nonce", "out")
    (state / "fifo").mkdir()
    os.mkfifo(path := state / "fifo" / str(name))
    reader = fifo.open_reader(path)
    held.holder.hold([reader])
    os.write(reader, b"the last line\n")
    os.close(reader)
    held.crash()
    with monkeypatch.context() as patch:
        patch.setattr(holder_process, "_kill", lambda _: None)
        following = Holder(held.store, held.loop)
        capture = Capture(state, held.loop, on_trouble=lambda *_: None, holder=following)
        capture.configure("web", Logs())
        capture.sweep(set())
    try:
        assert (state / "logs/web/0.out.log").read_bytes().endswith(b" the last line\n")
        assert path.exists() and holders(held.store) > 0
        for pidfd in holder_process.kill_all(held.store, following.pid):
            os.close(pidfd)
        held.until(lambda: not path.exists())
    finally:
        capture.close()


def test_a_holder_that_is_not_needed_ends_and_is_reaped(held: Held) -> None:
    held.holder.hold([held.make()])
    pid = held.holder.pid
    held.holder.close(needed=False)
    assert holders(held.store) == 0
    assert not Path(f"/proc/{pid}").exists()


def test_a_process_that_cannot_be_started_is_tried_again(
    held: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> tuple[int, int]:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    with monkeypatch.context() as patch:
        patch.setattr(holder_process, "start", refuse)
        fd = held.make()
        held.holder.hold([fd])
        assert held.holder.pid == 0
        assert held.holder.facts().pid is None and held.holder.facts().reason == "EAGAIN"
    os.write(fd, b"kept")
    held.until(lambda: held.holder.pid)
    path = held.path(fd)
    held.crash()
    assert read(path) == b"kept"


def _hold_with_few(folder: str, store: str) -> str:
    """As a user who may have 60 descriptors on their way: how many of 100 are held, and later."""
    loop = asyncio.new_event_loop()
    holder = Holder(store, loop)
    fds = []
    for number in range(100):
        os.mkfifo(f"{folder}/{number}")
        fds.append(fifo.open_reader(f"{folder}/{number}"))
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    holder.hold(fds[:1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (60, hard))
    for fd in fds:
        holder.hold([fd])
    refused, facts = holder.refused, holder.facts()
    assert facts == (100, refused, holder.pid, 0, "ETOOMANYREFS", 60), facts
    for fd in fds[:80]:
        holder.drop(fd)
    late = holder.refused
    holder.close(needed=False)
    return f"{refused} {late}"


@pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED: another user's limits need root")
def test_what_does_not_fit_is_counted_and_held_when_there_is_room(open_folder: Path) -> None:
    open_folder.chmod(0o777)
    with a_store() as store:
        refused, late = as_user(lambda: _hold_with_few(str(open_folder), store), 54321).split()
    assert 30 <= int(refused) <= 40 and int(late) == 0


def _take_over_with_few(folder: str, store: str) -> str:
    """As a user who may have 60 descriptors on their way, of which an earlier holder has 40: how
    many of the same 40 are not held before that one is ended, and after."""
    loop = asyncio.new_event_loop()
    earlier, later = Holder(store, loop), Holder(store, loop)
    hard, fds = resource.getrlimit(resource.RLIMIT_NOFILE)[1], []
    try:
        for number in range(40):
            os.mkfifo(f"{folder}/{number}")
            fds.append(fifo.open_reader(f"{folder}/{number}"))
        for holder in (earlier, later):  # their processes may have more files open
            holder.hold(fds[:1])
        earlier.hold(fds[1:])
        resource.setrlimit(resource.RLIMIT_NOFILE, (60, hard))
        for fd in fds:
            later.hold([fd])
        before = later.refused
        earlier.close(needed=True)
        gone = asyncio.Event()
        later.supersede(gone.set)
        loop.run_until_complete(asyncio.wait_for(gone.wait(), 60))
        after = later.refused
        later.close(needed=False)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))  # to look at all processes
        for pidfd in holder_process.kill_all(store):
            os.close(pidfd)  # root's ``a_store`` does not believe that they are recon's
    return f"{before} {after}"


@pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED: another user's limits need root")
def test_what_an_earlier_holder_leaves_no_room_for_is_held_when_that_is_gone(
    open_folder: Path,
) -> None:
    open_folder.chmod(0o777)
    with a_store() as store:
        before, after = as_user(lambda: _take_over_with_few(str(open_folder), store), 54322).split()
    assert 10 <= int(before) <= 25 and int(after) == 0


def test_the_first_process_of_a_container_needs_none(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.new_event_loop()
    assert holder_of("any", loop) is not None
    monkeypatch.setattr(os, "getpid", lambda: 1)
    assert holder_of("any", loop) is None
    loop.close()
