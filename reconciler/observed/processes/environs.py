"""The tags in the environments of processes, read so that no process can hold recon up.

An environment is memory of its process, which may belong to any user. Its size is what the process
says it is, and to read it takes a lock that the process may keep forever. So:

- first comes the real uid: a process of a user as whom no app was ever started can not
  be one of ours by its environment (``credibility``), so its memory is not touched;
- of each no more is read than an exec can give, and of all together no more than ``_AT_ONCE``;
- what another user's process has is read beside the event loop, with a deadline (``aside``).

What cannot be read within these bounds is unknown, which is not "not ours": the other witnesses
decide then (``identity``). They are the kernel's and recon's own, and no process can hide them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from functools import partial
from typing import NamedTuple

from reconciler.observed.processes.credibility import Credibility
from reconciler.system import procfs
from reconciler.system.work.aside import Aside

_MOST = 6 << 20
"""Bytes: the kernel starts no program with more arguments and environment (execve(2))."""
_AT_ONCE = 32 << 20
"""Bytes beyond each one's first block that are read for one survey: some 15 ms."""
_LOOKS = 10
_BETWEEN_LOOKS = 0.0005
"""Seconds: all looks together are no more than a hiccup of the event loop."""


class Environ(NamedTuple):
    """What the environment of a process says."""

    uid: int
    """Who started the process."""
    values: tuple[bytes, ...] = ()
    """Of the variable that was asked for."""
    starting: bool = False
    """It is in the middle of an exec, so nothing is known yet."""


class Environs:
    """Reads the values of one variable. ``variable`` is as in ``procfs.values``."""

    def __init__(self, variable: bytes, credibility: Credibility, proc: str = procfs.PROC) -> None:
        self._variable = variable
        self._credibility = credibility
        self._proc = proc
        self._aside: dict[int, Aside] = {}

    def read(self, pids: Iterable[int]) -> Mapping[int, Environ]:
        """By pid, without those that are gone. OSError where we are out of files."""
        found = {pid: uid for pid in pids if (uid := procfs.real_uid(pid, self._proc)) is not None}
        environs = {pid: Environ(uid) for pid, uid in found.items()}
        wanted: dict[int, list[int]] = {}
        for pid, uid in found.items():
            if self._credibility.may_be(uid):
                wanted.setdefault(uid, []).append(pid)
        budget = _Budget(_AT_ONCE)
        for uid, members in wanted.items():
            environs.update(self._of_user(uid, members, budget))
        return environs

    def _of_user(self, uid: int, pids: list[int], budget: _Budget) -> Mapping[int, Environ]:
        """An exec first closes what is close-on-exec, by which its parent and a lock on a file
        take it for done, and only then puts the environment in place: some 100 µs later.
        """
        environs = self._looked_at(uid, pids, budget)
        for _ in range(_LOOKS):
            starting = [pid for pid, found in environs.items() if found.starting]
            if not starting:
                break
            time.sleep(_BETWEEN_LOOKS)
            environs.update(self._looked_at(uid, starting, budget))
        return environs

    def _looked_at(self, uid: int, pids: list[int], budget: _Budget) -> dict[int, Environ]:
        look = partial(self._look, uid, budget)
        if uid == os.geteuid():  # who wants to harm us has simpler ways
            return {pid: look(pid) for pid in pids}
        return self._aside.setdefault(uid, Aside()).each(look, pids)

    def _look(self, uid: int, budget: _Budget, pid: int) -> Environ:
        block = procfs.environment(pid, procfs.BLOCK, self._proc)
        if 0 < len(block) < procfs.BLOCK:
            return Environ(uid, tuple(procfs.values(block, self._variable)))
        areas = procfs.areas(pid, self._proc)
        if areas is None or not block:
            return Environ(uid, starting=areas is not None and areas.starting)
        whole = block[: block.rfind(b"\0") + 1]  # a value that is cut is none
        values = tuple(procfs.values(whole, self._variable))
        if not values and areas.environment <= _MOST and budget.take(areas.environment):
            block = procfs.environment(pid, areas.environment, self._proc)
            values = tuple(procfs.values(block, self._variable))
        return Environ(uid, values)


class _Budget:
    """Bytes that may still be read."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self, size: int) -> bool:
        """Whether there is so much left; it is used up then."""
        if size > self._left:
            return False
        self._left -= size
        return True
