"""kill -9 of the controller at each of its effects, while it takes over from one that was killed.

No line is lost or doubled, and in the end there is one holder, or none.
"""

from __future__ import annotations

import asyncio
import itertools
import mmap
import os
import signal
from collections.abc import Callable
from functools import partial
from pathlib import Path

from reconciler.logs.write import fifo, logfile
from reconciler.logs.write.capture import Capture
from reconciler.logs.write.holder import Holder
from reconciler.model.spec.logs import Logs, Rotate
from reconciler.model.state.observed import Tag
from tests.effects import Effect, install
from tests.logs.write.holders import a_store, holders

LOGS = Logs(timestamps=False, rotate=Rotate(compress=False))
LIVE, DEAD = Tag("s", "live", 0, "abc", "1" * 12), Tag("s", "dead", 0, "abc", "2" * 12)
LONG = b"x" * 100_000


def capture_of(state: Path, store: str) -> Capture:
    loop = asyncio.new_event_loop()
    capture = Capture(state, loop, on_trouble=lambda *_: None, holder=Holder(store, loop))
    capture.recover()
    for app in ("live", "dead", "new"):
        capture.configure(app, LOGS)
    return capture


def take_over(state: Path, store: str, life: int, wrote: mmap.mmap) -> Capture:
    """What a controller does: it adopts, sweeps, and starts an instance that ends at once."""
    capture = capture_of(state, store)
    capture.attach(LIVE, LOGS)
    capture.sweep({LIVE.nonce})
    tag = Tag("s", "new", 0, "abc", f"{life:012x}")
    streams = capture.open(tag)
    capture.attach(tag, LOGS)
    os.write(streams.stdout, b"life %d\n" % life)
    wrote[life] = 1
    streams.close()
    capture.detach(tag.nonce)
    return capture


def killed(act: Callable[[], object], at: int) -> bool:
    """Whether a process that does this came to its effect ``at``, where it is killed. One that does
    not is killed at the end."""
    pid = os.fork()
    if pid == 0:
        try:
            count = itertools.count(1)

            def before(_: Effect) -> None:
                if next(count) == at:
                    os.kill(os.getpid(), signal.SIGKILL)

            kill = os.kill
            end = install(before, lambda _: None)
            act()
            end()
            kill(os.getpid(), signal.SIGUSR1)
        finally:
            os._exit(1)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), "it failed"
    return os.WTERMSIG(status) == signal.SIGKILL


def begin(state: Path, store: str) -> None:
    """A controller that is killed with one instance that runs and one that is about to end."""
    capture = capture_of(state, store)
    for tag in (LIVE, DEAD):
        capture.open(tag)
        capture.attach(tag, LOGS)


def reaches(state: Path, store: str, at: int) -> bool:
    """Kill a controller at its effect ``at``, and the one after it at the same; False where that
    has fewer."""
    wrote = mmap.mmap(-1, 16)
    assert not killed(lambda: begin(state, store), 0)
    ends = {
        (tag, stream): fifo.open_reader(state / "fifo" / str(fifo.name_of(tag, stream)))
        for tag in (LIVE, DEAD)
        for stream in fifo.STREAMS
    }
    for fd in ends.values():
        os.write(fd, b"one\n" + LONG[: 60_000 if fd % 2 else 10] + b"\nunfinished")
    for (tag, _), fd in ends.items():
        if tag is DEAD:
            os.close(fd)
    reached = [killed(partial(take_over, state, store, life, wrote), at) for life in (1, 2)]
    capture = take_over(state, store, 3, wrote)
    assert holders(store) == 1
    for (tag, _), fd in ends.items():
        if tag is LIVE:
            os.write(fd, b" till now\n")
            os.close(fd)
    capture.detach(LIVE.nonce)
    capture.close()
    capture._loop.close()
    for (tag, stream), fd in ends.items():
        rest = b" till now\n" if tag is LIVE else b"\n"
        text = b"one\n" + LONG[: 60_000 if fd % 2 else 10] + b"\nunfinished" + rest
        assert logfile.log_path(state, tag.app, 0, stream).read_bytes() == text, (at, tag, stream)
    lives = b"".join(b"life %d\n" % life for life in (1, 2, 3) if wrote[life])
    assert logfile.log_path(state, "new", 0, "out").read_bytes() == lives, at
    assert holders(store) == 0
    assert not [*(state / "fifo").iterdir()]
    return any(reached)


def test_a_controller_killed_at_each_of_its_effects_loses_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    with a_store() as store:
        for at in itertools.count(1):
            state = tmp_path / str(at)
            if not reaches(state, store, at):
                break
    assert at > 40
