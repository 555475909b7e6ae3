"""What goes wrong in a run, from a seed: plain data, drawn once the undisturbed run is known.

Crashes are enumerated by the code: each kind of effect that the undisturbed run had can be the one
before or after which the controller is killed, or that the kernel refuses.
"""

from __future__ import annotations

import errno
import random
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Fault(NamedTuple):
    """One thing that goes wrong."""

    what: str
    """The name of the method of ``Draw`` that makes it."""
    at: float = 0.0
    """Seconds into the run; for ``crash`` and ``refuse`` it is the effect that counts."""
    seconds: float = 0.0
    """How long it lasts, or until the next controller begins."""
    kind: str = ""
    """Of the effect."""
    nth: int = 0
    """The how manieth of its kind."""
    after: bool = False
    """Killed once it has happened, and not just before."""
    number: int = 0
    """The error; or which process."""

    def __str__(self) -> str:
        match self.what:
            case "crash":
                when = "after" if self.after else "before"
                return f"killed {when} {self.kind} (number {self.nth}), away {self.seconds:g} s"
            case "ambush":
                when = "after" if self.after else "before"
                return (
                    f"killed {when} {self.kind}, from {self.at:.3f} s on, away {self.seconds:g} s"
                )
            case "refuse":
                name = errno.errorcode[self.number]
                return f"{self.kind} (number {self.nth}) fails with {name}"
            case "trouble":
                name = errno.errorcode[self.number]
                return f"{name} from {self.at:.3f} s on, {self.seconds:g} s"
        return f"{self.what} at {self.at:.3f} s, {self.seconds:g} s"


AWAY = (0.0, 0.05, 1.0, 1.0, 10.0, 40.0)
"""Seconds until the next controller begins."""
_MOST = 7
ERRORS = {
    errno.ENOSPC: "os.write os.pwrite os.splice os.ftruncate os.open os.mkdir os.mkfifo io.open"
    " io.write sqlite3.execute sqlite3.commit",
    errno.EIO: "os.write os.pwrite os.open os.unlink os.rename sqlite3.execute sqlite3.commit",
    errno.EMFILE: "os.open io.open host.spawn fifo.open",
    errno.ENOMEM: "os.open os.mkfifo io.open host.spawn fifo.open",
    errno.EAGAIN: "host.spawn",
}
"""Which errors the kernel may give to which effects."""


def errors_of(kind: str) -> list[int]:
    """The errors that an effect of this kind may meet."""
    name = kind.partition(" ")[0]
    return [number for number, names in ERRORS.items() if name in names.split()]


OUTPUT = ("fifo", "spool", "logs", "/dev/shm")
"""What is in the targets of effects on the output of programs."""


class Draw:
    """Makes faults. ``counts``: the effects of the undisturbed run by kind; ``edits``: when."""

    def __init__(
        self, draw: random.Random, counts: Mapping[str, int], edits: Sequence[float]
    ) -> None:
        self._draw, self._counts, self._edits = draw, counts, edits
        self._kinds = sorted(counts)
        self._of_processes = [one for one in self._kinds if one.startswith("host.")]
        self._of_journal = [one for one in self._kinds if one.startswith("sqlite3.")]
        self._of_output = [one for one in self._kinds if any(word in one for word in OUTPUT)]

    def some(self) -> list[Fault]:
        """One fault, or two that belong together."""
        makers = [self.crash, self.crash_at_process, self.crash_at_process, self.crash_at_journal]
        makers += [self.crash_at_output, self.kill, self.kill, self.kill, self.boot, self.refuse]
        makers += [self.trouble, self.slow, self.clock, self.lag, self.twice, self.deaf]
        makers += [self.chatter, self.murder, self.ambush, self.ambush, self.kill_in_trouble]
        return self._draw.choice(makers)(self._moment())

    def crash(self, at: float) -> list[Fault]:
        return [self._crash(self._kinds)]

    def crash_at_process(self, at: float) -> list[Fault]:
        return [self._crash(self._of_processes)]

    def crash_at_journal(self, at: float) -> list[Fault]:
        return [self._crash(self._of_journal)]

    def crash_at_output(self, at: float) -> list[Fault]:
        return [self._crash(self._of_output)]

    def kill(self, at: float) -> list[Fault]:
        """Once, or twice in a row: the next controller has hardly begun."""
        first = Fault("kill", at, self._draw.choice(AWAY))
        again = at + first.seconds + self._draw.choice((0.0, 0.01, 0.3))
        twice = self._draw.random() < 0.4
        return [first, Fault("kill", again, self._draw.choice(AWAY))] if twice else [first]

    def ambush(self, at: float) -> list[Fault]:
        """Killed at the first start or stop that an edit has led to."""
        kind = self._draw.choice(("host.spawn", "host.spawn", "host.signal", "sqlite3.commit"))
        after = self._draw.random() < 0.7
        at = self._draw.choice(self._edits)
        return [Fault("ambush", at, self._draw.choice(AWAY), kind, after=after)]

    def kill_in_trouble(self, at: float) -> list[Fault]:
        """The next controller begins when the host refuses things."""
        number, away = self._draw.choice(sorted(ERRORS)), self._draw.choice((0.05, 1.0))
        seconds = self._draw.choice((0.5, 10.0, 40.0))
        return [Fault("kill", at, away), Fault("trouble", at + away / 2, seconds, number=number)]

    def boot(self, at: float) -> list[Fault]:
        return [Fault("boot", at, self._draw.choice((0.0, 5.0, 60.0)))]

    def refuse(self, at: float) -> list[Fault]:
        kind = self._draw.choice([kind for kind in self._kinds if errors_of(kind)])
        number, count = self._draw.choice(errors_of(kind)), self._count(kind)
        return [Fault("refuse", kind=kind, nth=count, number=number)]

    def trouble(self, at: float) -> list[Fault]:
        """For a while all effects that can be are refused so."""
        number = self._draw.choice(sorted(ERRORS))
        return [Fault("trouble", at, self._draw.choice((0.5, 10.0, 40.0)), number=number)]

    def slow(self, at: float) -> list[Fault]:
        """For a while each effect on files takes so long."""
        return [Fault("slow", at, self._draw.choice((1.0, 10.0)), number=self._draw.choice((1, 7)))]

    def clock(self, at: float) -> list[Fault]:
        steps = (-86400.0, -3600.0, -5.0, 5.0, 3600.0, 86400.0)
        return [Fault("clock", at, self._draw.choice(steps))]

    def lag(self, at: float) -> list[Fault]:
        """Ends are heard of late, and in another order."""
        return [Fault("lag", at, self._draw.choice((5.0, 60.0)))]

    def twice(self, at: float) -> list[Fault]:
        """Ends and edits are told twice."""
        return [Fault("twice", at, 60.0)]

    def deaf(self, at: float) -> list[Fault]:
        """Nothing is told of edits."""
        return [Fault("deaf", at, self._draw.choice((5.0, 60.0)))]

    def chatter(self, at: float) -> list[Fault]:
        """All apps are to be looked at, again and again, though nothing has happened."""
        return [Fault("chatter", at, 10.0)]

    def murder(self, at: float) -> list[Fault]:
        """A process is killed by another program, as by the kernel when memory runs out."""
        return [Fault("murder", at, number=self._draw.randint(0, 99))]

    def _crash(self, kinds: list[str]) -> Fault:
        kind, after = self._draw.choice(kinds or self._kinds), self._draw.random() < 0.5
        return Fault("crash", 0.0, self._draw.choice(AWAY), kind, self._count(kind), after)

    def _count(self, kind: str) -> int:
        return self._draw.randint(1, self._counts[kind])

    def _moment(self) -> float:
        """Right after an edit, when most is under way, or at any time."""
        if self._draw.random() < 0.6:
            return self._draw.choice(self._edits) + self._draw.choice((0.02, 0.7, 3.0, 9.0))
        return self._draw.uniform(0.0, self._edits[-1] + 30)


def faults(seed: int, counts: Mapping[str, int], edits: Sequence[float]) -> list[Fault]:
    """``edits``: when the manifests are edited, in order."""
    draw = random.Random(~seed)
    make = Draw(draw, counts, edits)
    found: list[Fault] = []
    for _ in range(draw.randint(1, _MOST)):
        found += make.some()
    return found
