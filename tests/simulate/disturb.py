"""Has the faults happen on a machine."""

from __future__ import annotations

import errno
import os
import random
import sqlite3
from collections.abc import Sequence
from pathlib import Path

from reconciler.model.state.observed import Exit
from reconciler.system.exec_errors import SpawnError
from tests.simulate.faults import ERRORS, Fault
from tests.simulate.machine import Machine

_HELD_UP = 0.4
"""Seconds that an effect takes on a slow file system, at most."""
_CHATTER = 0.05
_AGAIN = 3.0


class Disturbance:
    """``seed`` draws what is not in the faults themselves."""

    def __init__(self, machine: Machine, faults: Sequence[Fault], seed: int) -> None:
        self._machine = machine
        self._draw = random.Random(seed)
        self._points: dict[tuple[str, int, bool], Fault] = {}
        self._refused: dict[tuple[str, int], Fault] = {}
        self._ambushes: list[Fault] = []
        """Crashes at the next effect of their kind."""
        self._short_until = 0.0
        self._now: dict[str, Fault] = {}
        """What goes wrong now for a while, by its name."""
        for fault in faults:
            self._plan(fault)
        machine.border.before, machine.border.after = self._before, self._after
        machine.seen.lag = self._lag
        machine.seen.is_double = lambda: "twice" in self._now
        machine.folder.hint = self._hint
        machine.host.is_short = self._is_short

    def end(self) -> None:
        """No effect fails any more: what follows is calm."""
        self._points.clear()
        self._refused.clear()
        self._ambushes.clear()

    def _is_short(self) -> bool:
        """For a while after it was over, since recon tries again a little later."""
        return self._machine.now < self._short_until

    def _plan(self, fault: Fault) -> None:
        machine = self._machine
        match fault.what:
            case "crash" | "crash_at_process":
                self._points[fault.kind, fault.nth, fault.after] = fault
            case "refuse":
                self._refused[fault.kind, fault.nth] = fault
            case "ambush":
                machine.at(fault.at, lambda: self._ambushes.append(fault))
            case "kill":
                machine.at(fault.at, lambda: machine.kill(fault.seconds))
            case "boot":
                machine.at(fault.at, lambda: machine.boot(fault.seconds))
            case "clock":
                machine.at(fault.at, lambda: self._step(fault))
            case "murder":
                machine.at(fault.at, lambda: self._murder(fault))
            case _:
                machine.at(fault.at, lambda: self._begin(fault))

    # -- at effects ----------------------------------------------------------------------------

    def _before(self, kind: str, count: int) -> None:
        self._crash_at(kind, count, after=False)
        refused = self._refused.get((kind, count))
        if refused is not None:
            self._machine.note("fault", detail=str(refused))
            raise _error(kind, refused.number)
        trouble = self._now.get("trouble")
        if trouble is not None and kind.partition(" ")[0] in ERRORS[trouble.number].split():
            raise _error(kind, trouble.number)
        slow = self._now.get("slow")
        if slow is not None and self._draw.randrange(10) < slow.number:
            self._machine.clock.now += self._draw.uniform(0, _HELD_UP)

    def _after(self, kind: str, count: int) -> None:
        self._crash_at(kind, count, after=True)

    def _crash_at(self, kind: str, count: int, *, after: bool) -> None:
        fault = self._points.pop((kind, count, after), None)
        for one in self._ambushes:
            if fault is None and one.after is after and kind.startswith(one.kind):
                fault = one
        if fault in self._ambushes:
            self._ambushes.remove(fault)
        if fault is not None:
            self._machine.note("fault", detail=str(fault))
            self._machine.kill(fault.seconds)

    # -- for a while ---------------------------------------------------------------------------

    def _begin(self, fault: Fault) -> None:
        self._machine.note("fault", detail=str(fault))
        self._now[fault.what] = fault
        if fault.what == "trouble" and "fifo.open" in ERRORS[fault.number]:
            self._short_until = fault.at + fault.seconds + _AGAIN
        self._machine.at(fault.at + fault.seconds, lambda: self._end(fault))
        if fault.what == "chatter":
            self._chatter()

    def _end(self, fault: Fault) -> None:
        if self._now.get(fault.what) is fault:
            del self._now[fault.what]

    def _chatter(self) -> None:
        if "chatter" not in self._now:
            return
        controller = self._machine._controller
        if controller is not None:
            with self._machine.border.controller():
                controller._look_at_all()
        self._machine.at(self._machine.now + _CHATTER, self._chatter)

    def _lag(self) -> float:
        return self._draw.choice((0.0, 0.01, 0.5, 3.0)) if "lag" in self._now else 0.0

    def _hint(self, paths: set[Path]) -> None:
        if "deaf" in self._now:
            return
        for _ in range(2 if "twice" in self._now else 1):
            self._machine.hint(paths)

    # -- at once -------------------------------------------------------------------------------

    def _step(self, fault: Fault) -> None:
        self._machine.note("fault", detail=str(fault))
        self._machine.clock.set_wall(fault.seconds)

    def _murder(self, fault: Fault) -> None:
        alive = [*self._machine.host.alive.values()]
        if alive:
            one = alive[fault.number % len(alive)]
            self._machine.note("fault", one.tag.app, "a process is killed by another program")
            self._machine.host.end(one.tag.nonce, Exit(signal=9))


def _error(kind: str, number: int) -> Exception:
    """What the real effect would raise."""
    if kind.startswith("sqlite3."):
        full = number == errno.ENOSPC
        error = sqlite3.OperationalError("database or disk is full" if full else "disk I/O error")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL if full else sqlite3.SQLITE_IOERR
        return error
    if kind.startswith("host.spawn"):
        return SpawnError(f"cannot start a process: {os.strerror(number)}", True)
    return OSError(number, os.strerror(number))
