"""Logs on a file system that may not answer, as a network's: a thread of its own for each mount.

A dead server holds open(2), write(2), rename(2) and close(2), for as long as it likes, and nothing
but a fatal signal ends that. So what touches such a log is a job of its mount's lane, and the event
loop goes on. A stream has one job at most: while that waits its FIFO is not read, so that the
program waits once the FIFO is full, and nothing else does. What was taken from the FIFO is in a
spool by then (``write_ahead``), where the next controller finds it.

Which mount a log is on is found without touching it (``mountinfo.apart``). A log on a disk of this
host has no lane, and costs nothing here. What cannot be known is a dead mount that is put over a
log in the very moment between that look and a write: it holds the loop until it is taken away.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.logs.write.compress import Compressor
from reconciler.logs.write.transfer import Pump
from reconciler.model.spec.logs import Rotate
from reconciler.system.files import mountinfo
from reconciler.system.files.mountinfo import Mount
from reconciler.system.work import threads

PATIENCE = 2.0
"""Seconds after which a job is reported as hanging."""
_SHARE = 20
"""One part in so many of the time goes into reading the mounts, on a host that mounts all the
time."""
_LEAVE = 1.0
"""Seconds that the end of the controller waits for jobs that are under way."""
_MOST = 1 << 22
"""Bytes that are read: the kernel makes them up, some 150 for each mount."""


@dataclass(slots=True, eq=False)
class _Job:
    call: Callable[[], Any]
    done: Callable[[Any, Exception | None], None] | None


class Lane:
    """The jobs of one mount, one after the other. ``pump`` is for its jobs alone."""

    def __init__(
        self, point: str, loop: asyncio.AbstractEventLoop, make: Callable[[Requests], Pump]
    ) -> None:
        self.point = point
        """Where it is mounted."""
        self._loop = loop
        self.compressor = Compressor(loop)
        self.pump = make(Requests(loop, self.compressor))
        self._jobs: OrderedDict[Hashable, _Job] = OrderedDict()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._hand: Hashable = None
        self._since = 0.0
        """When the job in hand began; 0 while there is none."""
        self._closed = False

    def submit(
        self,
        key: Hashable,
        call: Callable[[], Any],
        done: Callable[[Any, Exception | None], None] | None = None,
    ) -> None:
        """Have ``call`` made. ``done`` gets its result, or what it raised, in the loop.

        Of several jobs with one key that wait the last one stands. OSError where no thread is
        available.
        """
        with self._changed:
            if self._thread is None:
                self._thread = threads.start(self._serve, name="logs")
            self._jobs[key] = _Job(call, done)
            self._changed.notify()

    def waiting(self) -> list[Hashable]:
        """The keys of all jobs that are not done."""
        with self._changed:
            return [*([self._hand] if self._since else []), *self._jobs]

    def hangs(self) -> bool:
        """Whether the job in hand has taken longer than anything should."""
        since = self._since
        return bool(since) and time.monotonic() - since > PATIENCE

    @property
    def busy(self) -> bool:
        return bool(self._since or self._jobs)

    def close(self) -> None:
        """Begin no further job."""
        with self._changed:
            self._closed = True
            self._jobs.clear()
            self._changed.notify()
        self.compressor.close()

    def wait(self, seconds: float) -> None:
        """Until the job in hand is done, or for so long."""
        if self._thread is not None:
            self._thread.join(max(0.0, seconds))

    def _serve(self) -> None:
        while True:
            with self._changed:
                self._since, self._hand = 0.0, None
                while not self._jobs and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                self._hand, job = self._jobs.popitem(last=False)
                self._since = time.monotonic()
            result, fault = None, None
            try:
                result = job.call()
            except Exception as error:  # the caller judges it
                fault = error
            if job.done is not None:
                with contextlib.suppress(RuntimeError):  # the loop is closed: no caller waits
                    self._loop.call_soon_threadsafe(job.done, result, fault)


class Requests:
    """Passes what a lane's thread asks of the compressor to the loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, compressor: Compressor) -> None:
        self._loop = loop
        self._compressor = compressor

    def request(self, place: str, rotate: Rotate) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._compressor.request, place, rotate)


class Lanes:
    """The lanes, by mount. ``on_hang(key, point)`` is called for each job that waits for a mount
    that does not answer, again and again."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        make: Callable[[Requests], Pump],
        on_hang: Callable[[Any, str], None],
    ) -> None:
        self._loop = loop
        self._make = make
        self._on_hang = on_hang
        self._lanes: dict[int, Lane] = {}
        self._folders: dict[str, Lane | None] = {}
        self._mounts: list[Mount] = []
        self._timer: asyncio.TimerHandle | None = None
        self.view = 0
        """Another number whenever the mounts are others."""
        self._calm_until = float("-inf")
        self._stale = False
        self._file = -1
        # No epoll: the loop would take the news, which is told to the first who asks.
        self._poll = select.poll()
        with contextlib.suppress(OSError):  # where the host does not tell, all is taken for local
            self._file = os.open(mountinfo.PATH, os.O_RDONLY | os.O_CLOEXEC)
            self._poll.register(self._file, select.POLLPRI)
            self._read()

    def of(self, path: Path | str) -> Lane | None:
        """The lane of a log; None where it lies on a disk of this host."""
        self.look()
        folder = os.path.dirname(path)
        try:
            return self._folders[folder]
        except KeyError:
            mount = mountinfo.apart(folder, self._mounts)
            lane = None if mount is None else self._of_mount(mount)
            self._folders[folder] = lane
            return lane

    def submit(
        self,
        lane: Lane,
        key: Hashable,
        call: Callable[[], Any],
        done: Callable[[Any, Exception | None], None] | None = None,
    ) -> None:
        """A job for a lane, which is watched. OSError."""
        lane.submit(key, call, done)
        if self._timer is None:
            self._timer = self._loop.call_later(PATIENCE, self._check)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
        if self._timer is not None:
            self._timer.cancel()
        for lane in self._lanes.values():
            lane.close()
        until = time.monotonic() + _LEAVE
        for lane in self._lanes.values():
            lane.wait(until - time.monotonic())

    def _of_mount(self, mount: Mount) -> Lane:
        lane = self._lanes.get(mount.number)
        if lane is None:
            lane = self._lanes[mount.number] = Lane(mount.point, self._loop, self._make)
        return lane

    def _check(self) -> None:
        self._timer = None
        for lane in self._lanes.values():
            if lane.hangs():
                for key in lane.waiting():
                    self._on_hang(key, lane.point)
        if any(lane.busy for lane in self._lanes.values()):
            self._timer = self._loop.call_later(PATIENCE / 2, self._check)

    def look(self) -> None:
        """To be called before logs are touched: whether anything was mounted or unmounted."""
        if self._poll.poll(0):  # it is told once
            self._stale = True
        if self._stale and self._loop.time() >= self._calm_until:
            self._read()

    def _read(self) -> None:
        self._stale, began = False, time.perf_counter()
        os.lseek(self._file, 0, os.SEEK_SET)
        text = b""
        with contextlib.suppress(OSError):
            while len(text) < _MOST and (block := os.read(self._file, 1 << 16)):
                text += block
        self._mounts = [*mountinfo.mounts(text)]
        self._folders.clear()
        self.view += 1
        self._calm_until = self._loop.time() + _SHARE * (time.perf_counter() - began)
        there = {mount.number for mount in self._mounts}
        for number in [*self._lanes]:
            if number not in there and not self._lanes[number].busy:
                self._lanes.pop(number).close()


def later(call: Callable[..., Any], *arguments: Any) -> Callable[[], None]:
    """A job of which no caller asks what becomes of it."""

    def run() -> None:
        with contextlib.suppress(OSError):
            call(*arguments)

    return run


__all__ = ["PATIENCE", "Lane", "Lanes", "Requests", "later"]
