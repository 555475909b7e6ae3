"""When a Job runs next: the coming moments of its schedule, and a calendar of all Jobs."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from reconciler.diff.core.schedule import following
from reconciler.system.clock import local_zone

_COMING = 5
_DAYS = 7
_A_DAY = 3
"""Moments of one Job that are shown of a day: one that comes each minute would fill it alone."""
Spec = Mapping[str, Any]


class Runs(NamedTuple):
    """The runs of one Job on one day."""

    job: str
    times: list[str]
    has_more: bool


class Day(NamedTuple):
    title: str
    runs: list[Runs]


def coming_runs(spec: Spec, after: float | None = None) -> list[str]:
    """The next moments of a schedule, as text in the time zone of the host."""
    now = time.time() if after is None else after
    return [
        datetime.fromtimestamp(at).strftime("%a %d %b, %H:%M")
        for at in _moments(spec, now, float("inf"), _COMING)
    ]


def calendar(specs: Iterable[tuple[str, Spec]], after: float | None = None) -> list[Day]:
    """The coming days with what runs on each; ``specs``: Jobs by name. Days of the host."""
    now = time.time() if after is None else after
    jobs = [*specs]
    days = []
    for begin, end in _days(now):
        found = []
        for name, spec in jobs:
            moments = [*_moments(spec, begin, end, _A_DAY + 1)]
            times = [datetime.fromtimestamp(at).strftime("%H:%M") for at in moments[:_A_DAY]]
            if times:
                found.append((moments[0], Runs(name, times, len(moments) > _A_DAY)))
        if found:
            title = datetime.fromtimestamp(begin + 1).strftime("%A, %d %B")
            days.append(Day(title, [runs for _, runs in sorted(found)]))
    return days


def _days(now: float) -> Iterator[tuple[float, float]]:
    """Begin and end of the coming days; the first begins now."""
    begin = now
    for number in range(1, _DAYS + 1):
        midnight = datetime.fromtimestamp(now).replace(hour=0, minute=0, second=0, microsecond=0)
        end = (midnight + timedelta(days=number)).timestamp()
        yield begin, end
        begin = end - 0.001  # what comes at midnight belongs to the day that it begins


def _moments(spec: Spec, after: float, until: float, most: int) -> Iterator[float]:
    schedule = spec.get("schedule")
    if not schedule or spec.get("suspend"):
        return
    zone = spec.get("timeZone") or local_zone()
    at: float | None = after
    for _ in range(most):
        at = following(schedule, zone, at) if at is not None else None
        if at is None or at >= until:
            return
        yield at
