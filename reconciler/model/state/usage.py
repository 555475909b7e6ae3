"""What one process with its children has used: a history of hours in some 1.5 KiB.

Two series. *Recent*: resident memory and processor time every 15 s, ten minutes. *Long*: the
lowest and the highest memory and the mean of processor time in each of 96 buckets, which cover
the whole life: of a minute at first, and whenever they are used up two become one, up to 16
minutes, 25 hours in all. So what is young is seen finely and what is old completely, in arrays
of a fixed size; a day's wave fits in.

Times are boot seconds. Time without a controller is a gap.
"""

from __future__ import annotations

import struct
from array import array
from typing import NamedTuple

EVERY = 15
"""Seconds between two samples."""
RECENT = 40
"""Samples kept."""
BUCKETS = 96
_NARROWEST, _WIDEST = 60, 960
"""Seconds of a bucket."""
_KI = 1024
_HEAD = struct.Struct("<BHHqqH")
_FORMAT = 1


class Sample(NamedTuple):
    """One look. Bytes, percent of one core."""

    at: float
    rss: int
    cpu: float


class Bucket(NamedTuple):
    """A stretch of time. Bytes, percent of one core."""

    at: float
    """Its middle."""
    low: int
    high: int
    cpu: float


class UsageHistory:
    """See the module. KiB and thousandths of a core inside; a memory of 0 is a gap."""

    __slots__ = ("_bucket", "_count", "_long", "_recent", "_slot", "width")

    def __init__(self) -> None:
        self._recent = array("I")
        self._slot = 0
        self._long = array("I")
        self._bucket = 0
        self._count = 0
        self.width = _NARROWEST
        """Seconds of a bucket, now."""

    def add(self, at: float, rss: int, cpu: float) -> bool:
        """Take a sample in; whether it began a new bucket. Time never goes back."""
        kib, mille = max(1, rss // _KI), max(0, round(cpu * 10))
        slot = int(at // EVERY)
        if self._recent and slot <= self._slot:
            self._recent[-2:] = array("I", (kib, mille))
        else:
            recent = self._recent
            gap = min(slot - self._slot - 1, RECENT) if recent else 0
            recent.extend((0, 0) * gap + (kib, mille) if gap else (kib, mille))
            if len(recent) > 2 * RECENT:
                del recent[: -2 * RECENT]
            self._slot = slot
        return self._add_long(int(at // self.width), kib, mille)

    def recent(self) -> list[Sample]:
        """The samples of the last minutes, oldest first; gaps left out."""
        values, first = self._recent, self._slot - len(self._recent) // 2 + 1
        return [
            Sample(float((first + n) * EVERY), values[2 * n] * _KI, values[2 * n + 1] / 10)
            for n in range(len(values) // 2)
            if values[2 * n]
        ]

    def buckets(self) -> list[Bucket]:
        """The whole history, oldest first; gaps left out. The last one is still being filled."""
        values, first = self._long, self._bucket - len(self._long) // 3 + 1
        return [
            Bucket(
                (first + n + 0.5) * self.width,
                values[3 * n] * _KI,
                values[3 * n + 1] * _KI,
                values[3 * n + 2] / 10,
            )
            for n in range(len(values) // 3)
            if values[3 * n]
        ]

    def outline(self, columns: int) -> list[int]:
        """The lowest memory in each of so many equal stretches, or fewer; bytes, oldest first."""
        young = self.span <= RECENT * EVERY
        lows = [s.rss for s in self.recent()] if young else [b.low for b in self.buckets()]
        step = max(1, -(-len(lows) // columns))
        return [min(lows[n : n + step]) for n in range(0, len(lows), step)]

    @property
    def span(self) -> int:
        """Seconds that the history covers, gaps included."""
        return len(self._long) // 3 * self.width

    def pack(self) -> bytes:
        """The history as bytes, for this kind of machine."""
        head = _HEAD.pack(
            _FORMAT, self.width, self._count, self._slot, self._bucket, len(self._recent)
        )
        return head + self._recent.tobytes() + self._long.tobytes()

    @classmethod
    def unpack(cls, data: bytes) -> UsageHistory | None:
        """What ``pack`` gave; None where it is of another format, or damaged."""
        made = cls()
        try:
            form, made.width, made._count, made._slot, made._bucket, size = _HEAD.unpack_from(data)
            body = array("I", data[_HEAD.size :])
        except (struct.error, ValueError):
            return None
        made._recent, made._long = body[:size], body[size:]
        whole = form == _FORMAT and size <= 2 * RECENT and size % 2 == len(made._long) % 3 == 0
        return made if whole and _NARROWEST <= made.width <= _WIDEST else None

    def _add_long(self, bucket: int, kib: int, mille: int) -> bool:
        values = self._long
        if values and bucket <= self._bucket:
            self._count += 1
            if kib < values[-3]:
                values[-3] = kib
            elif kib > values[-2]:
                values[-2] = kib
            values[-1] += round((mille - values[-1]) / self._count)
            return False
        gap = min(bucket - self._bucket - 1, BUCKETS) if values else 0
        values.extend((0, 0, 0) * gap + (kib, kib, mille))
        self._bucket, self._count = bucket, 1
        while len(self._long) > 3 * BUCKETS and self.width < _WIDEST:
            self._widen()
        del self._long[: -3 * BUCKETS]
        return True

    def _widen(self) -> None:
        """Two buckets become one, where the wider ones begin and end by the clock."""
        first = self._bucket - len(self._long) // 3 + 1
        wider = array("I")
        for n in range(len(self._long) // 3):
            low, high, mille = self._long[3 * n : 3 * n + 3]
            if not wider or (first + n) % 2 == 0:
                wider.extend((low, high, mille))
            elif low and wider[-3]:
                wider[-3:] = array(
                    "I", (min(wider[-3], low), max(wider[-2], high), (wider[-1] + mille) // 2)
                )
            elif low:
                wider[-3:] = array("I", (low, high, mille))
        self._long, self._bucket = wider, self._bucket // 2
        self.width *= 2
