"""The programs of a scenario, by name: how their processes behave."""

from __future__ import annotations

import random

from reconciler.model.state.observed import Exit
from reconciler.system.exec_errors import SpawnError
from tests.loop.simulated.host import Program

_LINES = tuple((0.05 + 3.7 * n, b"half" if n % 5 == 3 else b"whole") for n in range(25))
_BURST = tuple((0.01 * n, b"whole") for n in range(20))

PROGRAMS: dict[str, Program] = {
    "steady": Program(),
    "talker": Program(says=_LINES),
    "slow-start": Program(executes_after=0.8, says=_LINES),
    "slow-stop": Program(stops_after=1.5, says=_LINES),
    "deaf": Program(stops_after=None, says=_BURST),
    "leaver": Program(leaves=0.7),
    "crasher": Program(ends_after=47.0, says=_LINES),
    "flapper": Program(ends_after=0.4, says=_BURST[:3]),
    "quitter": Program(ends_after=31.0, exit=Exit(0), says=_LINES),
    "late": Program(answers=lambda age: age > 6),
    "wavering": Program(answers=lambda age: age % 50 > 9),
    "unready": Program(answers=lambda age: False, says=_BURST),
    "bad": Program(ends_after=0.3, says=_BURST[:5]),
    "missing": Program(fault=SpawnError("there is no such program", False)),
    "job": Program(ends_after=3.0, exit=Exit(0), says=_BURST),
    "long-job": Program(ends_after=40.0, exit=Exit(0), says=_LINES),
    "failing-job": Program(ends_after=2.0, says=_BURST[:7]),
}
NEVER_GOOD = frozenset({"unready", "bad", "missing"})
"""A rollout to these fails."""
STEADY = ("steady", "talker", "slow-start", "slow-stop", "deaf", "leaver", "late")
TROUBLED = ("crasher", "flapper", "quitter", "wavering")


def good(draw: random.Random) -> str:
    """A program that stays up, most of the time."""
    return draw.choice(STEADY)
