"""A limit on events: what one instance says again and again cannot push out what others said.

A token bucket for each instance and reason: a burst is told in full, after that one event each half
a minute, and how many there were in between in one event of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from reconciler.model.state.event import Event

BURST = 20
"""Events of one kind that are told as they come."""
REFILL = 30.0
"""Seconds after which one more may be told: a crash loop in its full backoff is never cut."""
_KINDS_KEPT = 5000
_LOOKED_AT = 10
"""Of them, where one more is to find room: events must not cost more the more kinds there are."""

_Kind = tuple[str, int | None, str]


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float
    last: Event | None = None
    """The last event that was left out; kept no longer than it may have to be shown."""
    held: int = 0
    """Events that were left out since one was told."""


class Flood:
    """Decides which events are told. ``now`` is any clock that never goes back."""

    def __init__(self) -> None:
        self._buckets: dict[_Kind, _Bucket] = {}
        self.left_out = 0
        """All events that were left out so far."""

    def admit(self, event: Event, now: float) -> Sequence[Event]:
        """What is to be told instead of this event: itself, nothing, or a summary and itself."""
        kind = (event.app, event.instance, event.reason)
        bucket = self._buckets.pop(kind, None)
        if bucket is None:
            self._forget_idle(now)
            self._buckets[kind] = _Bucket(BURST - 1, now)
            return (event,)
        self._buckets[kind] = bucket  # the most recent last
        bucket.left = min(BURST, bucket.left + max(0.0, now - bucket.at) / REFILL)
        bucket.at = now
        if bucket.left < 1:
            bucket.held += 1
            bucket.last = event if event.end is None else replace(event, end=None)
            self.left_out += 1
            return ()
        bucket.left -= 1
        return (*_summary(bucket), event)

    def due(self, now: float) -> Iterator[Event]:
        """Summaries of what has ended, or has been left out for long enough. What may burst in full
        again is forgotten: it is as if it had never been told."""
        for kind, bucket in [*self._buckets.items()]:
            if bucket.held and now - bucket.at >= REFILL:
                yield from _summary(bucket)
            if _is_full(bucket, now):
                del self._buckets[kind]

    def _forget_idle(self, now: float) -> None:
        if len(self._buckets) < _KINDS_KEPT:
            return
        oldest = [*islice(self._buckets.items(), _LOOKED_AT)]  # the least recent come first
        idle = [kind for kind, one in oldest if _is_full(one, now)]
        for kind in idle or [oldest[0][0]]:
            del self._buckets[kind]


def _is_full(bucket: _Bucket, now: float) -> bool:
    """Whether it is as one that was never used."""
    return not bucket.held and bucket.left + (now - bucket.at) / REFILL >= BURST


def _summary(bucket: _Bucket) -> Iterator[Event]:
    count, last = bucket.held, bucket.last
    bucket.held, bucket.last = 0, None
    if last is not None:
        yield replace(last, message=f"{count} more like this, the last one: {last.message}")
