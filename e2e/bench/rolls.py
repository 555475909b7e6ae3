"""Ten updates of a Node program under load: how many requests are lost? Beside PM2's reload.

The same plain http program, four instances: under recon on one shared socket, under PM2 in its
cluster mode; by clients that keep their connection, and by those that open one for each request.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from e2e.bench.figures import Line, Report
from e2e.bench.load import Outcome, Wrk
from e2e.bench.machine import free_port, installed
from e2e.bench.peers.pm2 import Pm2
from e2e.bench.stage import Stage
from e2e.bench.subject import Subject, manifest
from tests.load import Load
from tests.waiting import until

_SITE = Path(__file__).with_name("site.js")
_INSTANCES = 4
_REST = 2.5
"""Seconds of load between two updates: over a million requests in all."""


@dataclass(frozen=True, slots=True)
class Site:
    """The program under somebody's care: where it answers, and how it is replaced by a new one."""

    name: str
    port: int
    roll: Callable[[], None]


def measure(stage: Stage) -> Report:
    if not installed("node", "wrk"):
        return Report([Line("requests lost in updates under load", "node or wrk not installed")])
    rolls = stage.count(10, 1)
    sites = [_recon, *([_pm2] if installed(*Pm2.needs) else [])]
    lost: dict[tuple[str, bool], Outcome] = {}
    rates: dict[str, Outcome] = {}
    spread: dict[str, dict[str, int]] = {}
    for start in sites:
        with start(stage) as site:
            rates[site.name] = _throughput(stage, site.name, site.port)
            spread[site.name] = _spread(stage, site)
            for keep_alive in (True, False):
                lost[site.name, keep_alive] = _roll(stage, site, rolls, keep_alive)
    rates["one process"] = _alone(stage)
    report = Report()
    for keep_alive in (True, False):
        report.lines.append(_lost_line(lost, rolls, keep_alive))
    report.lines.append(_rate_line(rates))
    report.lines.append(_spread_line(spread))
    report.raw = {f"{n}, {'kept' if k else 'single'}": o._asdict() for (n, k), o in lost.items()}
    report.raw |= {"rates": {name: found._asdict() for name, found in rates.items()}}
    report.raw |= {"spread": spread}
    return report


def _lost_line(lost: dict[tuple[str, bool], Outcome], rolls: int, keep_alive: bool) -> Line:
    kind = "kept connections" if keep_alive else "a connection each"
    own = lost["recon", keep_alive]
    others = [(name, o) for (name, kept), o in lost.items() if kept is keep_alive]
    peers = tuple(f"{name} {_of(o)}" for name, o in others if name != "recon")
    what = f"requests lost in {rolls} updates, {kind}"
    return Line(what, _of(own), peers or ("PM2 not installed",), "0", own.failed == 0)


def _rate_line(rates: dict[str, Outcome]) -> Line:
    peers = tuple(f"{n} {o.per_second:,.0f}/s" for n, o in rates.items() if n != "recon")
    own = f"{rates['recon'].per_second:,.0f}/s"
    return Line(f"requests a second, {_INSTANCES} instances", own, peers)


def _spread_line(spread: dict[str, dict[str, int]]) -> Line:
    told = {name: _shares(found) for name, found in spread.items()}
    peers = tuple(f"{name} {shares}" for name, shares in told.items() if name != "recon")
    return Line("least and most that an instance got of new connections", told["recon"], peers)


def _of(outcome: Outcome) -> str:
    return f"{outcome.failed} of {outcome.requests:,}"


def _shares(found: dict[str, int]) -> str:
    total = sum(found.values())
    counts = [*found.values(), *[0] * (_INSTANCES - len(found))]
    return f"{100 * min(counts) / total:.0f}–{100 * max(counts) / total:.0f} %"


def _throughput(stage: Stage, name: str, port: int) -> Outcome:
    stage.say(f"rolls: throughput of {name}")
    return Wrk(port, keep_alive=True, seconds=stage.count(10, 2)).end()


def _spread(stage: Stage, site: Site) -> dict[str, int]:
    stage.say(f"rolls: spread over the instances of {site.name}")
    with Load(port=site.port, clients=8, keep_alive=False) as load:
        until(lambda: load.ok >= stage.count(4000, 400), 60, "requests for the spread")
    return {body.decode(): count for body, count in load.answers.items()}


def _roll(stage: Stage, site: Site, rolls: int, keep_alive: bool) -> Outcome:
    load = Wrk(site.port, keep_alive=keep_alive)
    try:
        time.sleep(_REST)
        for number in range(rolls):
            stage.say(f"rolls: {site.name}, {number + 1} of {rolls}, kept: {keep_alive}")
            site.roll()
            time.sleep(_REST)
    finally:
        outcome = load.end()
    return outcome


@contextmanager
def _recon(stage: Stage) -> Iterator[Site]:
    port = free_port()
    with stage.subject() as (subject, _):
        shutil.copy(_SITE, subject.manifests / "site.js")
        _declare(subject, port, 0)
        until(lambda: subject.of("site").get("health") == "Healthy", 60, "the site is up")
        versions = iter(range(1, 1000))

        def roll() -> None:
            version = next(versions)
            _declare(subject, port, version)
            until(lambda: _done(subject, version + 1), 120, f"version {version} is up")

        yield Site("recon", port, roll)


def _declare(subject: Subject, port: int, version: int) -> None:
    text = manifest(
        "site",
        ["node", "site.js"],
        instances=_INSTANCES,
        env={"PORT": str(port), "VERSION": str(version)},
        sockets=[{"name": "http", "port": port}],
        readinessProbe={"httpGet": {"port": port}},
    )
    subject.write("site.yaml", text)


def _done(subject: Subject, revision: int) -> bool:
    app = subject.of("site")
    return (app["revision"], app["sync"], app["health"]) == (revision, "Synced", "Healthy")


@contextmanager
def _pm2(stage: Stage) -> Iterator[Site]:
    port = free_port()
    with ExitStack() as stack:
        peer = Pm2(stage.place("PM2"))
        stack.callback(peer.close)
        peer.cluster(_SITE, _INSTANCES, {"PORT": str(port)})
        _until_up(port)
        yield Site("PM2", port, peer.reload)


def _alone(stage: Stage) -> Outcome:
    port = free_port()
    environment = {**os.environ, "PORT": str(port)}
    process = subprocess.Popen(["node", _SITE], env=environment)
    try:
        _until_up(port)
        return _throughput(stage, "one process", port)
    finally:
        process.kill()
        process.wait()


def _until_up(port: int) -> None:
    def answers() -> bool:
        with Load(port=port, clients=1, keep_alive=False) as load:
            until(lambda: load.ok or load.failures, 30, "an answer or a failure")
        return load.ok > 0

    until(answers, 60, "the site answers")
