"""Hints that something was mounted or unmounted here: what is found at a path may be another.

``/proc/self/mountinfo`` is always readable, and tells of a change as an exceptional condition
(EPOLLPRI, proc_pid_mountinfo(5)); an epoll of its own asks for nothing else. Inotify says nothing
of a mount over a watched folder.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
from collections.abc import Callable

from reconciler.system.files import mountinfo

_CALM = 1.0
"""Seconds between two looks: a host may mount hundreds of times a second."""
_MOST = 1 << 22
"""Bytes that are read: the kernel makes them up, some 150 for each mount."""


class Mounts:
    """``on_change(points)``: at these paths something was mounted or unmounted."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, on_change: Callable[[set[str]], None]
    ) -> None:
        """OSError where the host does not tell."""
        self._loop = loop
        self._on_change = on_change
        self._timer: asyncio.TimerHandle | None = None
        self._looked = float("-inf")
        self._file = os.open(mountinfo.PATH, os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._epoll = select.epoll()
            self._epoll.register(self._file, select.EPOLLPRI)
        except OSError:
            os.close(self._file)
            raise
        self._points = self._read()
        loop.add_reader(self._epoll.fileno(), self._changed)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        os.close(self._file)

    def _changed(self) -> None:
        self._epoll.poll(0)  # it is told once
        if self._timer is None:
            self._timer = self._loop.call_at(self._looked + _CALM, self._look)

    def _look(self) -> None:
        self._timer, self._looked = None, self._loop.time()
        before, self._points = self._points, self._read()
        changed = {point for _, point in before ^ self._points}
        if changed:
            self._on_change(changed)

    def _read(self) -> set[tuple[int, str]]:
        """The mounts, by number and place."""
        os.lseek(self._file, 0, os.SEEK_SET)
        text = b""
        with contextlib.suppress(OSError):
            while len(text) < _MOST and (block := os.read(self._file, 1 << 16)):
                text += block
        return {(mount.number, mount.point) for mount in mountinfo.mounts(text)}
