"""The simulated host behind the border: its effects can fail, its programs number their lines."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.converge.process.spawn import Spawned
from reconciler.logs.write import fifo
from reconciler.model.spec.limits import Value
from reconciler.model.state.desired import Workload
from reconciler.model.state.observed import Exit, ProcessId, Tag
from tests.loop.simulated.clock import Clock
from tests.loop.simulated.host import Alive, Program, SimulatedHost
from tests.simulate.border import Border
from tests.simulate.observation import Observation, UnreliableProcesses

if TYPE_CHECKING:
    from tests.loop.simulated.processes import Processes

_HALF = b"half"
"""A program that says this writes a line in two pieces."""
_PAUSE = 0.7
"""Seconds between the pieces."""
LINE = re.compile(rb"line (\d+) of ([0-9a-f]{12})$", re.M)

Note = Callable[..., None]


class BorderedHost(SimulatedHost):
    """``note`` hears what happens."""

    def __init__(self, clock: Clock, border: Border, note: Note, seen: Observation) -> None:
        super().__init__(clock, {})
        self._border = border
        self._note_down = note
        self._seen = seen
        self.versions: dict[str, str] = {}
        """By nonce, the version of its manifest that a process was started of."""
        self.spoken: dict[str, int] = defaultdict(int)
        """By nonce, the lines that its process has written to the end."""
        self._half_said: dict[str, bytes] = {}
        """By nonce, the rest of the line that its process is about to write."""
        self.unheard: dict[str, int] = defaultdict(int)
        """By nonce, the bytes that lay in its FIFO when it ended and no controller ran."""
        self.is_short: Callable[[], bool] = lambda: False
        """Whether the controller may have been refused to open what it reads."""
        self.ended: list[str] = []
        """The nonces of those that ended since a controller began, latest last."""

    def spawn(self, app: Workload, tag: Tag, stdout: int, *others: Any, **more: Any) -> Spawned:
        def call() -> Spawned:
            self.versions[tag.nonce] = "".join(app.spec.command[2:])
            return super(BorderedHost, self).spawn(app, tag, stdout, *others, **more)

        result: Spawned = self._border.around("host.spawn", app.name, call)
        return result

    def signal(self, nonce: str, signum: int) -> bool:
        one = self.alive.get(nonce)
        if one is None:
            return super().signal(nonce, signum)
        call = super().signal
        return bool(self._border.around("host.signal", one.tag.app, lambda: call(nonce, signum)))

    def signal_left(self, nonce: str, signum: int) -> int:
        one = self.left.get(nonce)
        if one is None:
            return super().signal_left(nonce, signum)
        call = super().signal_left
        return int(
            self._border.around("host.signal_left", one.tag.app, lambda: call(nonce, signum))
        )

    def set_limits(
        self,
        tag: Tag,
        members: Callable[[], Iterable[ProcessId]],
        values: Mapping[str, Value],
        cgroups: Any,
    ) -> dict[str, str]:
        call = super().set_limits
        result: dict[str, str] = self._border.around(
            "host.limits", tag.app, lambda: call(tag, members, values, cgroups)
        )
        return result

    # -- what happens --------------------------------------------------------------------------

    def end(self, nonce: str, exit: Exit) -> None:
        one = self.alive.get(nonce)
        if one is not None:
            self._note_down("end", one.tag, f"{exit}")
            self.ended.append(nonce)
            if one.stdout >= 0 and (self.shown is None or self.is_short()):
                self.unheard[nonce] = fifo.waiting(one.stdout)
        super().end(nonce, exit)

    def forget_unread(self, place: Path) -> None:
        """The controller is killed: what it has not read of those that have ended is lost."""
        for nonce in self.ended:
            for path in place.glob(f"*{nonce}*.out") if nonce not in self.unheard else ():
                reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
                self.unheard[nonce] = fifo.waiting(reader)
                os.close(reader)
        self.ended.clear()

    def boot(self) -> None:
        """All processes are gone, and nobody hears of it."""
        for one in self.alive.values():
            self._note_down("end", one.tag, "the host boots")
            if one.stdout >= 0:
                self.unheard[one.tag.nonce] = fifo.waiting(one.stdout)
                os.close(one.stdout)
        self.alive.clear()
        self.left.clear()

    def _program(self, app: Workload) -> Program:
        """Of ``[sh, NAME]``: recon sees that there is such a program."""
        return self.programs.get("".join(app.spec.command[1:2]), Program())

    def _say(self, one: Alive, text: bytes) -> None:
        nonce = one.tag.nonce
        if nonce not in self.alive:
            return
        self._finish(one)
        number = self.spoken[nonce] + 1
        line = b"line %d of %s\n" % (number, nonce.encode())
        if text == _HALF:
            os.write(one.stdout, line[:9])
            self._half_said[nonce] = line[9:]
            self.clock.at(self.clock.now + _PAUSE, lambda: self._finish(one))
            return
        os.write(one.stdout, line)
        self.spoken[nonce] = number

    def _finish(self, one: Alive) -> None:
        """The rest of a line, unless it was written meanwhile."""
        nonce = one.tag.nonce
        rest = self._half_said.pop(nonce, None)
        if rest is not None and nonce in self.alive:
            os.write(one.stdout, rest)
            self.spoken[nonce] += 1

    def _executed(self, one: Alive) -> None:
        super()._executed(one)
        self._note_down("exec", one.tag)

    def _note(self, what: str, tag: Tag) -> None:
        super()._note(what, tag)
        word, _, detail = what.partition(" ")
        self._note_down(word, tag, self.versions[tag.nonce] if word == "start" else detail)

    def _view(self, store: str, state_dir: Path, loop: Any, **calls: Any) -> Processes:
        self.shown = UnreliableProcesses(
            self, store, loop, calls["on_exit"], calls["on_gone"], self._seen
        )
        return self.shown
