"""`recon status` with 20 apps, from the shell's point of view."""

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

_APPS = 20
_TARGET = 0.1


def measure(stage: Stage) -> Report:
    runs = stage.count(30, 3)
    with ExitStack() as stack:
        subject, stamps = stack.enter_context(stage.subject())
        for number in range(_APPS):
            text = manifest(f"app-{number}", stage.command(stamps))
            subject.write(f"app-{number}.yaml", text)
        stamps.gather(_APPS)
        asked: dict[str, Callable[[], float]] = {"recon": partial(subject.seconds, "status")}
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
    median = raw["recon"]["median"]
    peers = [f"{name} {ms(raw[name]['median'])}" for name in raw if name != "recon"]
    peers += [
        f"{peer.name} not installed" for peer in (Supervisord, Pm2) if not installed(*peer.needs)
    ]
    what = f"`recon status`, {_APPS} apps"
    line = Line(what, ms(median), tuple(peers), "≤ 100 ms", median <= _TARGET)
    return Report([line], raw)
