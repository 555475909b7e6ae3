"""Whether an instance leaks, or is caught in a hot loop: judged from its history.

A leak is a *lower envelope* that rises steadily. Of each bucket of the history only the lowest
memory counts: a garbage collector's saw-tooth, requests and other peaks stand on it, and do not
move it. Over a window (the whole history, its last half or quarter) all of this must hold:

=============  ==================================================================================
enough         an hour and 20 buckets; half an hour where the limit is less than two away
rises          cut in five, the low of each part is above the one before, by a fair share of the
               whole: no step does that, nor a saw-tooth that is shorter than the window
goes on        the slope of the last third is at least 0.6 of that of the first: a warm-up bends
matters        it grew by 4 MiB and by a tenth at least, four times of what it scatters by
is new         it is above what it had before the window, so that it is no wave that comes again
is no load     processor time did not grow along, nor since the beginning: more work holds more.
               A day's history, in which the load has come and gone, needs no such excuse
=============  ==================================================================================

Slopes are Theil–Sen's (the median of the slopes of all pairs): up to 29 % of arbitrary outliers do
not move them. Source: P. K. Sen, 1968, J. Am. Stat. Assoc. 63. What this finds and misses is
counted in ``tests/diff/test_leak_detection.py`` on recorded programs and generated shapes.

A hot loop is a process that has used one core, no more and no less, in every sample of five
minutes; or an instance that has used all of the host's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import Literal

from reconciler.model.state.event import Event
from reconciler.model.state.observed import Process
from reconciler.model.state.reason import EventReason
from reconciler.model.state.trend import Leak, Trend
from reconciler.model.state.usage import Bucket
from reconciler.model.words.quantity import format_size

_LEAST_SECONDS, _LEAST_BUCKETS = 3600, 20
_URGENT = 1800
_PARTS = 5
_EVEN = 0.3
_GOES_ON = 0.6
_MATTERS_BYTES, _MATTERS_SHARE = 4 * 2**20, 0.1
_SCATTER = 4
_USUAL = 0.95
_LOAD, _LOAD_LEAST = 0.1, 0.5
"""A growth of processor time: of itself, and percent of a core. Below, it says nothing."""
_DAY = 24 * 3600
_POINTS = 48
"""For a slope; more cost time, and tell no more."""
_LEVEL = 0.25
_MATERIAL = 2.0
_SOON = 3600.0

BUSY_SECONDS = 300.0
_CORE = (95.0, 112.0)
"""Percent: what a loop takes of one core, with the little that a runtime's other threads do."""


def leak_of(buckets: Sequence[Bucket], limit: int | None = None) -> Leak | None:
    """The leak that this history shows. The last bucket may be one that is still being filled."""
    whole = list(buckets)
    for share in (1, 2, 4):
        window = whole[len(whole) - len(whole) // share :]
        if len(window) < _LEAST_BUCKETS or window[-1].at - window[0].at < _URGENT:
            return None
        rate = _rate(window, whole[: len(whole) - len(window)])
        if rate is not None:
            left = left_of(rate, window[-1].low, limit)
            urgent = left is not None and left < 4 * _URGENT
            if urgent or window[-1].at - window[0].at >= _LEAST_SECONDS:
                return Leak(rate, window[0].at, left)
    return None


def left_of(rate: float, memory: float, limit: int | None) -> float | None:
    """Seconds until the limit is reached; None where there is none."""
    return None if limit is None else max(0.0, (limit - memory) / rate)


def slope(points: Sequence[tuple[float, float]]) -> float:
    """Theil–Sen. Units of the second by units of the first; 0 of fewer than two points."""
    step = -(-len(points) // _POINTS)
    some = points[::step] if step > 1 else points
    slopes = [
        (later[1] - sooner[1]) / (later[0] - sooner[0])
        for n, sooner in enumerate(some)
        for later in some[n + 1 :]
    ]
    return median(slopes) if slopes else 0.0


def watch_memory(
    process: Process, buckets: Sequence[Bucket], limit: int | None, reported: Trend, now: float
) -> tuple[Trend, tuple[Event, ...]]:
    """What is known after a look at the history (of full buckets), and what is to be told of it:
    a leak once, again when it changes materially, and its end."""
    found, leak = leak_of(buckets, limit), reported.leak
    if found is not None and (leak is None or _is_material(leak, found)):
        text = _grows(found, buckets, limit, now)
        return replace(reported, leak=found), (
            _event(process, EventReason.MEMORY_LEAK_SUSPECTED, text),
        )
    if found is None and leak is not None and _is_over(leak, buckets):
        text = f"memory no longer grows, at {format_size(buckets[-1].low)}"
        return replace(reported, leak=None), (
            _event(process, EventReason.MEMORY_STEADY, text, "Normal"),
        )
    return reported, ()


def watch_load(
    process: Process, busy_since: float | None, reported: Trend, now: float
) -> tuple[Trend, tuple[Event, ...]]:
    """The same of a hot loop. ``busy_since``: as now found by the function of that name."""
    if busy_since != reported.busy_since:
        reported = replace(reported, busy_since=busy_since)
    if busy_since is None and reported.saturated_since is not None:
        done = replace(reported, saturated_since=None)
        return done, (
            _event(process, EventReason.CPU_RELIEVED, "again uses less than a core", "Normal"),
        )
    if (
        busy_since is None
        or reported.saturated_since is not None
        or now - busy_since < BUSY_SECONDS
    ):
        return reported, ()
    text = (
        f"has used all of a core for {_hours(now - busy_since)}: an endless loop, or too much work"
    )
    found = replace(reported, saturated_since=busy_since)
    return found, (_event(process, EventReason.CPU_SATURATED, text),)


def busy_since(reported: Trend, cpu: float, busiest: float, cores: int, at: float) -> float | None:
    """Since when all of a core is used, given one more sample: percent of the whole tree, and of
    the busiest process; ``at``: when the sample before was taken."""
    low, high = _CORE
    if low <= busiest <= high or cpu >= low * cores:
        return at if reported.busy_since is None else reported.busy_since
    return None


def _rate(window: Sequence[Bucket], before: Sequence[Bucket]) -> float | None:
    """Bytes a second, where the window is one of a leak."""
    # The cheap ones first: of what does not leak, hardly any comes to the slopes.
    if not _rises(window, before):
        return None
    points = [(bucket.at, float(bucket.low)) for bucket in window]
    third = len(points) // 3
    rate, first, last = slope(points), slope(points[:third]), slope(points[-third:])
    grown = rate * (points[-1][0] - points[0][0])
    goes_on = rate > 0 and last >= _GOES_ON * max(first, rate)
    matters = grown >= max(_MATTERS_BYTES, _MATTERS_SHARE * median(b.low for b in window))
    if not goes_on or not matters or _scatter(points, rate) * _SCATTER > grown:
        return None
    return None if _is_load(window) or _is_load([*before, *window]) else rate


def _rises(window: Sequence[Bucket], before: Sequence[Bucket]) -> bool:
    """Whether the floor is raised in every part, to where it has not been before."""
    lows = [bucket.low for bucket in window]
    size = len(window) // _PARTS
    floors = [min(lows[n * size : (n + 1) * size]) for n in range(_PARTS - 1)]
    floors.append(min(lows[(_PARTS - 1) * size :]))
    growth = floors[-1] - floors[0]
    if growth < max(_MATTERS_BYTES, _MATTERS_SHARE * floors[0]) / 2:
        return False
    if before and floors[-1] <= sorted(b.low for b in before)[int(_USUAL * (len(before) - 1))]:
        return False
    fair = _EVEN * growth / (_PARTS - 1)
    return all(later - sooner >= fair for sooner, later in pairwise(floors))


def _scatter(points: Sequence[tuple[float, float]], rate: float) -> float:
    """The median distance from the line."""
    level = median(value - rate * at for at, value in points)
    return median(abs(value - rate * at - level) for at, value in points)


def _is_load(window: Sequence[Bucket]) -> bool:
    if window[-1].at - window[0].at >= _DAY:
        return False
    rate = slope([(bucket.at, bucket.cpu) for bucket in window])
    grown = rate * (window[-1].at - window[0].at)
    return grown > max(_LOAD_LEAST, _LOAD * median(bucket.cpu for bucket in window))


def _is_material(before: Leak, found: Leak) -> bool:
    """Whether the event is sent again."""
    if not before.rate / _MATERIAL <= found.rate <= before.rate * _MATERIAL:
        return True
    if found.left is None:
        return False
    return found.left < _SOON and (before.left is None or before.left >= _SOON)


def _is_over(leak: Leak, buckets: Sequence[Bucket]) -> bool:
    """Not merely that it cannot be proven now: the last stretch is as good as level."""
    end = buckets[-1].at
    stretch = min(max((end - leak.since) / 2, _URGENT), 4 * _URGENT)
    tail = [bucket for bucket in buckets if bucket.at >= end - stretch]
    if len(tail) < _LEAST_BUCKETS:
        tail = [*buckets[-_LEAST_BUCKETS:]]
    third = len(tail) // 3
    grown = min(b.low for b in tail[-third:]) - min(b.low for b in tail[:third])
    return grown < _LEVEL * leak.rate * (tail[-1].at - tail[0].at) * 2 / 3


def _grows(leak: Leak, buckets: Sequence[Bucket], limit: int | None, now: float) -> str:
    hourly = format_size(round(leak.rate * 3600))
    text = f"grows by {hourly} an hour for {_hours(now - leak.since)}, is at "
    text += format_size(buckets[-1].low)
    if limit is None or leak.left is None:
        return text
    return f"{text}; at limits.memory ({format_size(limit)}) in {_hours(leak.left)}"


def _hours(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes // (24 * 60)} days"


def _event(
    process: Process, reason: str, text: str, type: Literal["Normal", "Warning"] = "Warning"
) -> Event:
    message = f"pid {process.id.pid} {text}"
    return Event(process.tag.app, reason, message, type, process.tag.instance)
