"""What the instances use, as JSON: `recon top`, and a part of `recon describe`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from reconciler.api.documents.iso import iso
from reconciler.api.documents.status import FORMAT_VERSION
from reconciler.diff.leak_detection import left_of
from reconciler.model.state.observed import Process
from reconciler.model.state.trend import Trend
from reconciler.model.state.usage import EVERY, UsageHistory
from reconciler.observed.host.samples import Sample

_OUTLINE = 12
"""Numbers that stand for a whole history, as wide as what `recon top` draws of it."""
Known = Callable[[Process], tuple[UsageHistory, Trend]]


def usage_document(
    processes: Iterable[Process],
    samples: Mapping[str, Sample],
    *,
    known: Known,
    limits: Mapping[str, int],
    controller: Mapping[str, Any],
    wall_of_boot: float,
) -> dict[str, Any]:
    """``GET /v1/usage``. ``limits`` in bytes by app; ``wall_of_boot``: seconds since 1970 at boot
    second 0."""
    rows = [*usage_rows(processes, samples, known, limits, wall_of_boot)]
    return usage_around(rows, controller)


def usage_around(rows: list[dict[str, Any]], controller: Mapping[str, Any]) -> dict[str, Any]:
    """The document of these rows (``usage_rows``)."""
    return {"formatVersion": FORMAT_VERSION, "controller": dict(controller), "instances": rows}


def usage_rows(
    processes: Iterable[Process],
    samples: Mapping[str, Sample],
    known: Known,
    limits: Mapping[str, int],
    wall_of_boot: float,
) -> Iterator[dict[str, Any]]:
    """One instance after the other, by app and number."""
    for process in sorted(processes, key=lambda p: (p.tag.app, p.tag.instance, p.started_at)):
        sample = samples.get(process.tag.nonce)
        if sample is not None:
            history, trend = known(process)
            limit = limits.get(process.tag.app)
            row = _instance(process, sample, trend, limit, wall_of_boot)
            yield {**row, "outlineBytes": history.outline(_OUTLINE)}


def history_documents(
    processes: Iterable[Process], known: Known, limits: Mapping[str, int], wall_of_boot: float
) -> list[dict[str, Any]]:
    """The histories of some instances in full."""
    ordered = sorted(processes, key=lambda p: (p.tag.instance, p.started_at))
    return [
        _history(process, *known(process), limits.get(process.tag.app), wall_of_boot)
        for process in ordered
    ]


def _instance(
    process: Process, sample: Sample, trend: Trend, limit: int | None, wall_of_boot: float
) -> dict[str, Any]:
    return {
        "app": process.tag.app,
        "name": process.name,
        "pid": process.id.pid,
        "state": process.state.value,
        "processes": len(sample.each),
        "uptimeSeconds": round(sample.uptime, 1),
        "rssBytes": sample.rss,
        "cpuPercent": round(sample.cpu, 2),
        "limitBytes": limit,
        "leak": _leak(trend, sample.rss, limit, wall_of_boot),
        "saturatedSince": _at(trend.saturated_since, wall_of_boot),
    }


def _history(
    process: Process,
    history: UsageHistory,
    trend: Trend,
    limit: int | None,
    wall_of_boot: float,
) -> dict[str, Any]:
    recent, buckets = history.recent(), history.buckets()
    rss = recent[-1].rss if recent else 0
    return {
        "name": process.name,
        "pid": process.id.pid,
        "limitBytes": limit,
        "leak": _leak(trend, rss, limit, wall_of_boot),
        "saturatedSince": _at(trend.saturated_since, wall_of_boot),
        "recent": {
            "everySeconds": EVERY,
            "time": [_at(sample.at, wall_of_boot) for sample in recent],
            "rssBytes": [sample.rss for sample in recent],
            "cpuPercent": [sample.cpu for sample in recent],
        },
        "long": {
            "everySeconds": history.width,
            "time": [_at(bucket.at, wall_of_boot) for bucket in buckets],
            "lowBytes": [bucket.low for bucket in buckets],
            "highBytes": [bucket.high for bucket in buckets],
            "cpuPercent": [bucket.cpu for bucket in buckets],
        },
    }


def _leak(trend: Trend, rss: int, limit: int | None, wall_of_boot: float) -> dict[str, Any] | None:
    leak = trend.leak
    if leak is None:
        return None
    left = left_of(leak.rate, rss, limit)
    return {
        "bytesPerHour": round(leak.rate * 3600),
        "since": _at(leak.since, wall_of_boot),
        "secondsLeft": round(left) if left is not None else None,
    }


def _at(boot_seconds: float | None, wall_of_boot: float) -> str | None:
    return None if boot_seconds is None else iso(wall_of_boot + boot_seconds)
