"""A log whose file system does not answer holds up its own program, and nothing else."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.logs.write import lane, logfile
from reconciler.model.spec.logs import Logs, Rotate
from reconciler.system.files import mountinfo
from reconciler.system.files.mountinfo import Mount
from tests.logs.write.test_capture import PLAIN, Host, tag_of

COUNTING = """
import os
for number in range({lines}):
    os.write(1, b"%d\\n" % number)
input()
"""


class _LeftBehind(BaseException):
    """The controller whose thread this is has been killed."""


class Far:
    """A folder on a mount that answers, or does not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log = folder / "far.log"
        self.logs = Logs(timestamps=False, stdout=str(self.log), rotate=Rotate(compress=False))
        self.error: OSError | None = None
        self._gate = threading.Event()
        self._gate.set()
        self._killed = threading.Event()

    def hang(self) -> None:
        self._gate.clear()

    def answer(self) -> None:
        self._gate.set()

    def kill(self) -> None:
        """Who waits now never goes on."""
        gate, self._gate = self._gate, threading.Event()
        self._killed.set()
        gate.set()
        self._killed = threading.Event()

    def touch(self) -> None:
        gate, killed = self._gate, self._killed
        gate.wait(60)
        if killed.is_set():
            raise _LeftBehind
        if self.error is not None:
            raise self.error

    def numbers(self) -> list[int]:
        files = [*logfile.rotated(self.log), self.log]
        return [int(line) for file in files if file.exists() for line in file.open()]


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
    made = Far(tmp_path / "far")
    made.folder.mkdir()
    mount = Mount(1, "/", str(made.folder), (), "nfs4", ())

    def apart(path: str, every: object) -> Mount | None:
        return mount if path.startswith(str(made.folder)) else None

    def waiting(call: Callable[..., int]) -> Callable[..., int]:
        def opened(path: Path, *arguments: object) -> int:
            if path.is_relative_to(made.folder):
                assert threading.current_thread() is not threading.main_thread()
                made.touch()
            return call(path, *arguments)

        return opened

    monkeypatch.setattr(mountinfo, "apart", apart)
    monkeypatch.setattr(lane, "PATIENCE", 0.1)
    monkeypatch.setattr(logfile, "open_log", waiting(logfile.open_log))
    monkeypatch.setattr(threading, "excepthook", lambda args: None)
    yield made
    made.answer()


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path / "state")
    yield host
    host.close()


def test_a_log_that_answers_is_written_as_any_other(host: Host, far: Far) -> None:
    tag = tag_of("a")
    program = host.start(tag, COUNTING.format(lines=1000))
    host.capture.attach(tag, far.logs)
    host.until(lambda: len(far.numbers()) == 1000)
    program.communicate(b"\n")
    host.capture.detach(tag.nonce)
    host.until(lambda: not [*(host.state / "fifo").iterdir()])
    assert far.numbers() == [*range(1000)] and not host.troubles


def test_another_log_is_written_while_one_hangs_and_then_no_line_is_lost(
    host: Host, far: Far
) -> None:
    tag, other = tag_of("a"), tag_of("b", "other")
    far.hang()
    host.start(tag, COUNTING.format(lines=200_000))  # more than its FIFO holds
    host.capture.attach(tag, far.logs)
    host.until(lambda: host.troubles)
    point = far.folder
    text = f"logs cannot be written: {point} does not answer (nothing lost so far)"
    assert set(host.troubles) == {("app", text)}
    host.start(other, COUNTING.format(lines=1000))
    host.capture.attach(other, PLAIN)
    host.until(lambda: host.log(other).count(b"\n") == 1000)
    assert not far.log.exists()
    far.answer()
    host.until(lambda: len(far.numbers()) == 200_000)
    assert far.numbers() == [*range(200_000)]
    assert host.troubles[-1] == ("app", None)


def test_the_next_controller_writes_what_was_under_way_once(host: Host, far: Far) -> None:
    tag = tag_of("a")
    program = host.start(tag, COUNTING.format(lines=50_000))
    host.capture.attach(tag, far.logs)
    host.until(lambda: len(far.numbers()) > 0)
    for _ in range(3):
        far.hang()
        host.until(lambda: is_busy(host, far) or len(far.numbers()) == 50_000)
        far.kill()
        host.restart()
        host.capture.attach(tag, far.logs)
        host.capture.sweep({tag.nonce})
        far.answer()
        host.loop.run_until_complete(_turn())
    host.until(lambda: len(far.numbers()) == 50_000)
    program.communicate(b"\n")
    host.capture.detach(tag.nonce)
    host.until(lambda: not [*(host.state / "fifo").iterdir()])
    assert far.numbers() == [*range(50_000)]


def is_busy(host: Host, far: Far) -> bool:
    """A chunk is under way."""
    of_log = host.capture._lanes.of(far.log)
    return of_log is not None and of_log.busy


async def _turn() -> None:
    """One turn of the loop."""


def test_what_ended_while_its_log_hung_is_written_to_the_end(host: Host, far: Far) -> None:
    tag = tag_of("a")
    far.hang()
    program = host.start(tag, "import os; os.write(1, b'0\\n1\\n'); input(); os.write(1, b'2')")
    host.capture.attach(tag, far.logs)
    host.until(lambda: host.troubles)
    program.communicate(b"\n")
    host.capture.detach(tag.nonce)
    host.capture.sweep(set())
    far.answer()
    host.until(lambda: not [*(host.state / "fifo").iterdir()])
    assert far.numbers() == [0, 1, 2] and host.troubles[-1] == ("app", None)


def test_what_ended_while_no_controller_ran_waits_for_its_log(host: Host, far: Far) -> None:
    tag = tag_of("a")
    program = host.start(tag, COUNTING.format(lines=1000))
    host.capture.attach(tag, far.logs)
    host.until(lambda: len(far.numbers()) == 1000)
    far.hang()
    host.capture.configure(tag.app, far.logs)
    program.communicate(b"\n")
    left = host.capture._nonces[tag.nonce][0].name
    (host.state / "fifo" / f"{left}.carry").write_bytes(b"\n1000")
    far.kill()
    host.restart()
    host.capture.configure(tag.app, far.logs)
    host.capture.sweep(set())
    host.until(lambda: host.troubles)
    far.answer()
    host.until(lambda: not [*(host.state / "fifo").iterdir()])
    assert far.numbers() == [*range(1001)]


@pytest.mark.parametrize("number", [errno.ENOTCONN, errno.ESTALE, errno.ENOSPC])
def test_a_log_that_fails_is_tried_again(host: Host, far: Far, number: int) -> None:
    tag = tag_of("a")
    far.error = OSError(number, os.strerror(number))
    host.start(tag, COUNTING.format(lines=1000))
    host.capture.attach(tag, far.logs)
    host.until(lambda: host.troubles)
    assert os.strerror(number) in str(host.troubles[0][1])
    far.error = None
    host.until(lambda: len(far.numbers()) == 1000)
    assert far.numbers() == [*range(1000)] and host.troubles[-1] == ("app", None)


def test_a_server_that_is_gone_costs_no_line_however_long(host: Host, far: Far) -> None:
    tag = tag_of("a")
    far.error = OSError(errno.ENOTCONN, os.strerror(errno.ENOTCONN))
    program = host.start(tag, COUNTING.format(lines=300_000))
    host.capture.attach(tag, far.logs)
    host.until(lambda: len(host.troubles) > 1)
    assert program.poll() is None and host.tally.of("app").dropped == 0
    far.error = None
    host.until(lambda: len(far.numbers()) == 300_000)
    assert far.numbers() == [*range(300_000)]


def test_a_log_that_has_its_size_is_rotated_there(host: Host, far: Far) -> None:
    tag = tag_of("a")
    rotate = Rotate(size=20_000, keep=1000, compress=False)
    host.start(tag, COUNTING.format(lines=50_000))
    host.capture.attach(tag, far.logs.model_copy(update={"rotate": rotate}))
    host.until(lambda: len(far.numbers()) == 50_000)
    assert far.numbers() == [*range(50_000)]
    assert len(logfile.rotated(far.log)) > 5


def test_a_controller_that_ends_does_not_wait_for_a_log(host: Host, far: Far) -> None:
    tag = tag_of("a")
    far.hang()
    host.start(tag, COUNTING.format(lines=10))
    host.capture.attach(tag, far.logs)
    host.until(lambda: host.troubles)
    host.capture.close()
    assert not far.log.exists(), "it has not waited for its end"
    far.kill()
    host.capture = host.controller()
    host.capture.attach(tag, far.logs)
    far.answer()
    host.until(lambda: far.numbers() == [*range(10)])
