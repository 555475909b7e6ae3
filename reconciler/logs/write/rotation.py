"""When a log is rotated for its age, by the clock on the wall. Pure but for the time zone.

A file holds what was written between two turns: it is due when its last line is from before the
latest one. That is known of every file by its date alone, so nothing has to be remembered, over no
matter how many ends of the controller; and it is never rotated empty.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from reconciler.model.spec.logs import Rotate

_MONDAY = datetime(1970, 1, 5)
_DAY = timedelta(days=1)


def by_time(rotate: Rotate) -> bool:
    """Whether the time has any say."""
    return rotate.every is not None or bool(rotate.at)


def latest_turn(rotate: Rotate, now: float) -> float:
    """The last turn at or before ``now``; wall time in seconds. 0 where there is none."""
    return max((_stamp(turn) for turn in _turns(rotate, now, ahead=0)), default=0.0)


def next_turn(rotate: Rotate, now: float) -> float | None:
    """The first turn after ``now``; None where there is none."""
    coming = [_stamp(turn) for turn in _turns(rotate, now, ahead=1)]
    return min((turn for turn in coming if turn > now), default=None)


def _turns(rotate: Rotate, now: float, ahead: int) -> list[datetime]:
    """Of each rule, in local time: its last turn, or with ``ahead`` 1 those that come."""
    local = _local(now)
    found = []
    if rotate.every is not None:
        step = timedelta(seconds=rotate.every)
        count = (local - _MONDAY) // step
        # Where clocks are changed, two local times are one or none: look at one more.
        found += [_MONDAY + (count + more) * step for more in ((1, 2) if ahead else (0, -1))]
    midnight = datetime(local.year, local.month, local.day)
    for clock in rotate.at:
        hour, minute = map(int, clock.split(":"))
        turn = midnight + timedelta(hours=hour, minutes=minute)
        found += [turn, turn + _DAY, turn + 2 * _DAY] if ahead else [turn, turn - _DAY]
    return found if ahead else [turn for turn in found if _stamp(turn) <= now]


def _local(now: float) -> datetime:
    # Turns are at whole seconds; a datetime would round the last fraction of one up to the turn.
    return datetime.fromtimestamp(math.floor(now), UTC).astimezone(None).replace(tzinfo=None)


def _stamp(local: datetime) -> float:
    """As mktime(3) has it: of an hour that comes twice the first."""
    return local.timestamp()
