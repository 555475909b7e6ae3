"""What a row of the benchmark gives: lines for people, samples for machines."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the table."""

    what: str
    recon: str
    peers: tuple[str, ...] = ()
    """Each a name and its figure, or a name and that it is not installed."""
    target: str = ""
    met: bool | None = None


@dataclass(slots=True)
class Report:
    """What one row measured."""

    lines: list[Line] = field(default_factory=list)
    raw: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def of(samples: list[float]) -> dict[str, Any]:
    """Samples with what is usually asked of them."""
    ordered = sorted(samples)
    return {
        "median": median(ordered),
        "min": ordered[0],
        "p95": ordered[min(len(ordered) - 1, int(len(ordered) * 0.95))],
        "max": ordered[-1],
        "samples": samples,
    }


def ms(seconds: float) -> str:
    """Milliseconds, with as many digits as mean anything."""
    value = seconds * 1000
    return f"{value:.1f} ms" if value < 100 else f"{value:.0f} ms"
