"""`recon status` from the shell's point of view: 20 apps, 1,000 instances, and no controller."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial

from e2e.bench import figures
from e2e.bench.figures import Line, Report, ms
from e2e.bench.machine import installed
from e2e.bench.peers.pm2 import Pm2
from e2e.bench.peers.supervisord import Supervisord
from e2e.bench.stage import Stage
from e2e.bench.subject import manifest

_APPS, _MANY = 20, 1000
_OF_PEER, _OF_PEER_ALONE, _OF_FEW = 0.4, 1.5, 2.0
_ALONE, _CROWD = "recon, no controller", "recon, 1,000 instances"


def measure(stage: Stage) -> Report:
    runs = stage.count(30, 3)
    with ExitStack() as stack:
        asked: dict[str, Callable[[], float]] = {}
        for name in ("recon", _ALONE):
            subject, stamps = stack.enter_context(stage.subject())
            for number in range(_APPS):
                text = manifest(f"app-{number}", stage.command(stamps))
                subject.write(f"app-{number}.yaml", text)
            stamps.gather(_APPS)
            if name == _ALONE:
                subject.leave()
            asked[name] = partial(subject.seconds, "status")
        crowd, stamps = stack.enter_context(stage.subject())
        crowd.write("crowd.yaml", manifest("crowd", stage.command(stamps), instances=_MANY))
        stamps.gather(_MANY)
        asked[_CROWD] = partial(crowd.seconds, "status")
        if installed(*Supervisord.needs):
            supervisord = Supervisord(stage.place("supervisord"))
            supervisord.supervise(stage.program.path, stamps.path, _APPS)
            stack.callback(supervisord.close)
            stamps.gather(_APPS)
            asked["supervisorctl"] = supervisord.status_seconds
        if installed(*Pm2.needs):
            pm2 = Pm2(stage.place("PM2"))
            stack.callback(pm2.close)
            pm2.supervise(stage.program.path, stamps.path, instances=_APPS)
            stamps.gather(_APPS)
            asked["pm2 ls"] = pm2.status_seconds
        samples: dict[str, list[float]] = {name: [] for name in asked}
        for number in range(runs):
            stage.say(f"status: {number + 1} of {runs}")
            for name, ask in asked.items():
                samples[name].append(ask())
    raw = {name: figures.of(found) for name, found in samples.items()}
    median = {name: found["median"] for name, found in raw.items()}
    own = ("recon", _ALONE, _CROWD)
    peers = [f"{name} {ms(median[name])}" for name in raw if name not in own]
    peers += [
        f"{peer.name} not installed" for peer in (Supervisord, Pm2) if not installed(*peer.needs)
    ]
    return Report([*_lines(median, tuple(peers))], raw)


def _lines(median: dict[str, float], peers: tuple[str, ...]) -> list[Line]:
    few, crowd = median["recon"], median[_CROWD]
    lines = []
    for name, most in (("recon", _OF_PEER), (_ALONE, _OF_PEER_ALONE)):
        beside, target, met = peers if name == "recon" else (), "", None
        took = ms(median[name])
        if peer := median.get("supervisorctl"):
            ratio = median[name] / peer
            took, target = f"{took} ×{ratio:.2f}", f"≤ ×{most} of supervisorctl"
            met = ratio <= most
        what = f"`recon status`, {_APPS} apps{name.removeprefix('recon')}"
        lines.append(Line(what, took, beside, target, met))
    line = Line(
        f"`recon status`, {_MANY:,} instances",
        f"{ms(crowd)} ×{crowd / few:.2f}",
        (f"20 apps {ms(few)}",),
        f"≤ ×{_OF_FEW:g}",
        crowd / few <= _OF_FEW,
    )
    return [*lines, line]
