"""Whether a series is level or rises: the rule by which a soak passes or fails.

Only the second half counts, since caches and files fill in the first. It is cut into stretches of
equal length, and the median of each stands for it, so that one peak means nothing. The series rises
where both hold: Kendall's test finds more rises than falls between the stretches than chance makes
(one-sided, p < 0.01), and the line through them (Theil and Sen: the median of all slopes) rises by
more than the allowance over the half. The first alone would judge a rise of a byte, the second
alone a series that only swings.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations, pairwise
from statistics import median
from typing import NamedTuple

STRETCHES = 24
_LEAST = 8
"""Stretches without which there is no verdict: fewer cannot be significant."""
_SIGNIFICANT = 2.326
"""Standard deviations that chance passes once in a hundred, on one side."""


class Verdict(NamedTuple):
    """What the rule says of one series."""

    rises: bool
    rise: float
    """By so much the line rises over the second half."""
    allowance: float
    deviations: float
    """Kendall's statistic, in standard deviations."""
    level: float
    """The median of the second half."""


def judge(values: Sequence[float], least: float, share: float) -> Verdict:
    """The verdict on samples taken at equal times. ``least`` is a rise that is always allowed,
    and ``share`` of the level. ValueError for too few samples."""
    half = values[len(values) // 2 :]
    if len(half) < _LEAST:
        raise ValueError(f"{len(values)} samples are too few for a verdict")
    points = stretches(half)
    level = median(half)
    allowance = max(least, share * level)
    rise = _slope(points) * (len(points) - 1)
    deviations = _kendall(points)
    return Verdict(
        deviations > _SIGNIFICANT and rise > allowance, rise, allowance, deviations, level
    )


def stretches(values: Sequence[float], count: int = STRETCHES) -> list[float]:
    """The median of each of ``count`` parts of nearly equal length, or the values themselves."""
    if len(values) <= count:
        return [*values]
    bounds = [len(values) * n // count for n in range(count + 1)]
    return [median(values[a:b]) for a, b in pairwise(bounds)]


def _slope(points: Sequence[float]) -> float:
    """Theil and Sen's: the median slope between any two points, for a step of one."""
    return median(
        (later - earlier) / (m - n)
        for (n, earlier), (m, later) in combinations(enumerate(points), 2)
    )


def _kendall(points: Sequence[float]) -> float:
    """How many more pairs rise than fall, in standard deviations of a series without a trend."""
    score = sum((b > a) - (b < a) for a, b in combinations(points, 2))
    count = len(points)
    ties = [points.count(value) for value in set(points)]
    variance = _variance(count) - sum(map(_variance, ties))
    if score == 0 or variance <= 0:
        return 0.0
    return (score - math.copysign(1, score)) / math.sqrt(variance)


def _variance(count: int) -> float:
    return count * (count - 1) * (2 * count + 5) / 18
