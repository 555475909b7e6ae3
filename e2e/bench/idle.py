"""1,000 instances that do nothing: what does it cost to watch over them?"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from e2e.bench.account import cpu_seconds, memory, sleeps
from e2e.bench.edit import declare
from e2e.bench.figures import Line, Report
from e2e.bench.machine import installed
from e2e.bench.peers.supervisord import Supervisord
from e2e.bench.program import Stamps
from e2e.bench.stage import Stage
from e2e.bench.subject import Subject, manifest

_COUNT = 1000
_CORE, _OF_PEER = 0.3, 0.3
_MEMORY = {"1,000 instances": 45.0, "1,000 apps": 50.0}
_SETTLE = 8.0


def measure(stage: Stage) -> Report:
    found = {
        "1,000 instances": _recon(stage, _one_app),
        "1,000 apps": _recon(stage, _many_apps),
    }
    peer = _supervisord(stage) if installed(*Supervisord.needs) else None
    report = Report(raw={**found, "supervisord": peer})
    for what, cost in found.items():
        report.lines += _lines(what, cost, peer)
    return report


def _lines(what: str, cost: dict[str, Any], peer: dict[str, Any] | None) -> list[Line]:
    beside = ("supervisord not installed",) * 3
    if peer is not None:
        beside = (
            f"supervisord {peer['percent']:.2f} %",
            f"supervisord {peer['rss']:.0f} MiB",
            f"supervisord {peer['wakes']:.1f}",
        )
    core, size, most = cost["percent"], cost["rss"], _MEMORY[what]
    limit, target = _CORE, f"≤ {_CORE} %"
    if peer is not None:
        limit, target = peer["percent"] * _OF_PEER, f"≤ ×{_OF_PEER} of supervisord"
    of = f"MiB ({cost['pss']:.0f} PSS)"
    return [
        Line(f"{what} idle, of a core", f"{core:.2f} %", beside[:1], target, core <= limit),
        Line(
            f"{what} idle, resident",
            f"{size:.1f} {of}",
            beside[1:2],
            f"≤ {most:g} MiB",
            size <= most,
        ),
        Line(f"{what} idle, wake-ups a second", f"{cost['wakes']:.1f}", beside[2:]),
    ]


def _recon(stage: Stage, start: Callable[[Stage, Subject, Stamps], None]) -> dict[str, Any]:
    with stage.subject() as (subject, stamps):
        stage.say(f"idle: starting {_COUNT} under recon")
        start(stage, subject, stamps)
        stamps.gather(_COUNT)
        found = watch(stage, subject.pid)
        subject.seconds("status")
        return {**found, "rssAfterStatus": memory(subject.pid).rss}


def _one_app(stage: Stage, subject: Subject, stamps: Stamps) -> None:
    subject.write("crowd.yaml", manifest("crowd", stage.command(stamps), instances=_COUNT))


def _many_apps(stage: Stage, subject: Subject, stamps: Stamps) -> None:
    declare(stage, subject, stamps, running=range(_COUNT))


def _supervisord(stage: Stage) -> dict[str, Any]:
    with stage.stamps() as stamps:
        stage.say(f"idle: starting {_COUNT} under supervisord")
        peer = Supervisord(stage.place("supervisord"))
        peer.supervise(stage.program.path, stamps.path, _COUNT)
        try:
            stamps.gather(_COUNT)
            return watch(stage, peer.pid)
        finally:
            peer.close()


def watch(stage: Stage, pid: int) -> dict[str, Any]:
    """Costs over a minute, in which everything that is periodic happens."""
    span = stage.count(60, 6)
    time.sleep(_SETTLE)
    stage.say(f"idle: watching for {span} s")
    cpu, woken, began = cpu_seconds(pid), sleeps(pid), time.monotonic()
    time.sleep(span)
    took = time.monotonic() - began
    return {
        "seconds": took,
        "percent": 100 * (cpu_seconds(pid) - cpu) / took,
        "wakes": (sleeps(pid) - woken) / took,
        **memory(pid)._asdict(),
    }
