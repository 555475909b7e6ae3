"""A process is killed: how long until its replacement's first instruction?

In turns, kill by kill, so that all meet the same minutes of this machine. Each program had run
for more than a second: s6 and runit hold back one that ended sooner.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack

from e2e.bench import figures
from e2e.bench.figures import Line, Report, ms
from e2e.bench.machine import installed
from e2e.bench.peers import Peer
from e2e.bench.peers.pm2 import Pm2
from e2e.bench.peers.servicedir import S6, Runit
from e2e.bench.peers.supervisord import Supervisord
from e2e.bench.program import Stamps
from e2e.bench.stage import Stage
from e2e.bench.subject import manifest

_PEERS: tuple[type[Peer], ...] = (Runit, S6, Pm2, Supervisord)
_REST = 1.2
_OTHERS = 1000
_TARGET = 0.003
"""Where runit is not installed."""
# supervisord takes a second each time: a few of those tell enough.
_SELDOM = 5


class Victim:
    """A program under somebody's care, to be killed again and again."""

    def __init__(self, name: str, stamps: Stamps) -> None:
        self.name, self._stamps = name, stamps
        self._pid, self.up_since = stamps.next()
        self.samples: list[float] = []

    def kill(self) -> None:
        self._stamps.drain()
        began = time.monotonic_ns()
        os.kill(self._pid, signal.SIGKILL)
        self._pid, self.up_since = self._stamps.next()
        self.samples.append((self.up_since - began) / 1e9)

    def rest(self) -> None:
        """Until it has been up for long enough."""
        up = (time.monotonic_ns() - self.up_since) / 1e9
        time.sleep(max(0.0, _REST - up))


def measure(stage: Stage) -> Report:
    report = Report()
    samples = _among_peers(stage)
    recon = samples.pop("recon")
    missing = [f"{peer.name} not installed" for peer in _PEERS if not installed(*peer.needs)]
    peers = [f"{name} {ms(figures.of(found)['median'])}" for name, found in samples.items()]
    beside = _beside_others(stage)
    runit = figures.of(samples[Runit.name])["median"] if Runit.name in samples else None
    most = runit or _TARGET
    target = "≤ runit's" if runit else "≤ 3 ms"
    for what, found, told in (
        ("crash → replacement's first instruction", recon, (*peers, *missing)),
        (f"the same, {_OTHERS:,} others idle beside it", beside, ()),
    ):
        median = figures.of(found)["median"]
        report.lines.append(Line(what, ms(median), told, target, median <= most))
    everything = {"recon": recon, "recon beside 1000": beside, **samples}
    report.raw = {name: figures.of(found) for name, found in everything.items()}
    return report


def _among_peers(stage: Stage) -> dict[str, list[float]]:
    rounds = stage.count(45, 5)
    with ExitStack() as stack:
        victims = [_recon(stage, stack)]
        for kind in _PEERS:
            if installed(*kind.needs):
                stage.say(f"crash: starting {kind.name}")
                victims.append(_peer(stage, stack, kind))
        for number in range(rounds):
            stage.say(f"crash: kill {number + 1} of {rounds}, {len(victims)} supervisors in turn")
            for victim in victims:
                if victim.name != Supervisord.name or number % _SELDOM == 0:
                    victim.rest()
                    victim.kill()
    return {victim.name: victim.samples for victim in victims}


def _beside_others(stage: Stage) -> list[float]:
    kills = stage.count(45, 5)
    with ExitStack() as stack:
        stage.say(f"crash: {_OTHERS} others")
        victim = _recon(stage, stack, others=_OTHERS)
        for number in range(kills):
            stage.say(f"crash: kill {number + 1} of {kills} beside {_OTHERS} others")
            victim.rest()
            victim.kill()
    return victim.samples


def _recon(stage: Stage, stack: ExitStack, others: int = 0) -> Victim:
    subject, stamps = stack.enter_context(stage.subject())
    if others:
        idle = stack.enter_context(stage.stamps())
        subject.write("others.yaml", manifest("others", stage.command(idle), instances=others))
        idle.gather(others)
    text = manifest("victim", stage.command(stamps), backoff={"initialSeconds": 0})
    subject.write("victim.yaml", text)
    return Victim("recon", stamps)


def _peer(stage: Stage, stack: ExitStack, kind: type[Peer]) -> Victim:
    stamps = stack.enter_context(stage.stamps())
    peer = kind(stage.place(kind.name))
    stack.callback(peer.close)
    peer.supervise(stage.program.path, stamps.path)
    return Victim(kind.name, stamps)
