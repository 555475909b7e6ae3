"""The first user's system, imported from its PM2 files: recon beside PM2 on the same copy's twin.

A NestJS API and a React page served by Vite through `npm run start:prod` (``e2e/crm``), installed
and built before anything is measured. recon has what `recon import pm2` writes, and shared sockets
as docs/import.md advises; PM2 has the user's file. PM2's own answer to a gap, its cluster mode, the
user never used; it is measured besides.
"""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from e2e.bench import account, figures
from e2e.bench.figures import Line, Report
from e2e.bench.machine import free_port
from e2e.bench.peers import npm_pm2
from e2e.bench.peers.pm2 import Pm2
from e2e.bench.stage import Stage
from e2e.bench.subject import Subject
from e2e.crm import project
from e2e.crm.migration import share
from e2e.crm.project import Crm
from tests.load import Load
from tests.waiting import until

_UP_SECONDS = 30.0
_MEMORY_MIB = 400e6 / 2**20
"""The user's own figures: "under 30 s", "about 400 MB in all"."""
_APPS = "backend-prod,frontend-prod"
_SETTLE = 4.0
_REST = {"by watch": 16.0, "by restart": 1.5}
"""Seconds between two changes: recon holds an app back whose watched files change every few."""
_CLIENTS, _PAUSE = 2, 0.01
"""Of each kind, connections kept and not: some 300 requests a second, which is no strain."""


@dataclass(frozen=True)
class Site:
    """The system under somebody's care."""

    crm: Crm
    up: float
    """Seconds from nothing to page and API answering."""
    manager: Callable[[], int]
    """Pid of what everything else descends from."""
    replace: Callable[[], object] = lambda: None
    """Have the changed code run; nothing, where the change itself does it."""


@dataclass(frozen=True)
class Held:
    """Memory, in MiB."""

    manager: account.Memory
    all: account.Memory

    def plain(self) -> dict[str, dict[str, float]]:
        return {"manager": self.manager._asdict(), "all": self.all._asdict()}


_Start = Callable[..., AbstractContextManager[Site]]


@dataclass
class Changed:
    """What came of some changes of ``dist``."""

    seconds: list[float] = field(default_factory=list)
    failed: int = 0
    requests: int = 0


def measure(stage: Stage) -> Report:
    if why := project.lacking():
        return Report([Line("the CRM beside PM2", why)])
    stage.say("crm: npm installs and builds it")
    with ExitStack() as stack:
        try:
            built = stack.enter_context(project.installed())
        except project.NotInstalled as error:
            return Report([Line("the CRM beside PM2", str(error).splitlines()[0])])
        pm2 = npm_pm2.program(stage.home)
        return _measure(_Bench(stage, built, pm2))


@dataclass(frozen=True)
class _Bench:
    stage: Stage
    built: Path
    pm2: str | None

    def copy(self, *, watch: bool = False, cluster: bool = False) -> Crm:
        ports = [free_port() for _ in project.PORTS]
        crm = project.copy(self.built, self.stage.place("crm"), ports)
        main = "name: 'backend-prod',\n      cwd: './backend',\n      script: 'dist/main.js',\n"
        if watch:
            crm.edit("ecosystem.config.js", main, f"{main}      watch: ['dist'],\n")
        if cluster:
            text = crm.config().read_text().replace("'fork'", "'cluster'", 1)
            crm.config().write_text(text)
        return crm


def _measure(bench: _Bench) -> Report:
    rounds, changes = bench.stage.count(3, 1), bench.stage.count(4, 2)
    up: dict[str, list[float]] = {}
    held: dict[str, list[Held]] = {}
    kinds: dict[str, _Start] = {"recon": _recon}
    if bench.pm2:
        kinds["PM2"] = _pm2
    for number in range(rounds):
        for name, start in kinds.items():
            bench.stage.say(f"crm: {name} starts it, {number + 1} of {rounds}")
            with start(bench) as site:
                up.setdefault(name, []).append(site.up)
                time.sleep(_SETTLE)
                held.setdefault(name, []).append(_memory(site.manager()))
    changed: dict[tuple[str, str], Changed] = {}
    for told, way in _WAYS.items():
        for name, (start, how) in way.items():
            if name == "recon" or bench.pm2:
                with start(bench, **how) as site:
                    bench.stage.say(f"crm: {name}, {told}: {changes} changes of dist under load")
                    changed[told, name] = _change(site, changes, _REST[told])
    return _report(up, held, changed, changes)


def _report(
    up: dict[str, list[float]],
    held: dict[str, list[Held]],
    changed: dict[tuple[str, str], Changed],
    changes: int,
) -> Report:
    took = {name: median(found) for name, found in up.items()}
    pss, rss = (
        {name: median(getattr(one.all, kind) for one in found) for name, found in held.items()}
        for kind in ("pss", "rss")
    )
    alone = {name: median(one.manager.pss for one in found) for name, found in held.items()}
    lines = [
        _line(
            "CRM: from nothing to API and page answering", took, "{:.2f} s", "< 30 s", _UP_SECONDS
        ),
        _line("manager and services, PSS", pss, "{:.0f} MiB", "< 381 MiB", _MEMORY_MIB),
        _line("the manager alone, PSS", alone, "{:.0f} MiB"),
        _line("manager and services, RSS summed", rss, "{:.0f} MiB"),
    ]
    for told, way in _WAYS.items():
        found = {name: changed[told, name] for name in way if (told, name) in changed}
        lines += _changed_lines(told, found, changes)
    raw: dict[str, Any] = {"up": {name: figures.of(found) for name, found in up.items()}}
    raw["memory"] = {name: [one.plain() for one in found] for name, found in held.items()}
    raw["changes"] = {
        " ".join(way): {
            "seconds": figures.of(one.seconds),
            "failed": one.failed,
            "requests": one.requests,
        }
        for way, one in changed.items()
    }
    return Report(lines, raw)


def _changed_lines(told: str, found: dict[str, Changed], changes: int) -> Iterator[Line]:
    own = found.pop("recon")
    peers = {name: f"{median(one.seconds):.2f} s" for name, one in found.items()}
    what = f"changed dist/ → new code answers, {told}"
    yield Line(what, f"{median(own.seconds):.2f} s", _beside(peers))
    peers = {name: f"{one.failed} of {one.requests:,}" for name, one in found.items()}
    what, none = f"failed requests in {changes} such changes", own.failed == 0
    yield Line(what, f"{own.failed} of {own.requests:,}", _beside(peers), "0", none)


def _beside(peers: dict[str, str]) -> tuple[str, ...]:
    return tuple(f"{name} {value}" for name, value in peers.items()) or ("PM2 not installed",)


def _line(
    what: str, values: dict[str, float], form: str, target: str = "", most: float = 0
) -> Line:
    peers = {name: form.format(value) for name, value in values.items() if name != "recon"}
    own = values["recon"]
    return Line(what, form.format(own), _beside(peers), target, own < most if target else None)


def _change(site: Site, changes: int, rest: float) -> Changed:
    """Each with another version in ``dist``, as a build leaves it, under a load that is bounded."""
    found = Changed()
    port, url = site.crm.port[3000], "/api/customers"
    kept = Load(port=port, url=url, clients=_CLIENTS, pause=_PAUSE)
    single = Load(port=port, url=url, clients=_CLIENTS, pause=_PAUSE, keep_alive=False)
    with kept, single:
        time.sleep(1.0)
        for number in range(changes):
            found.seconds.append(_one(site, f"bench.{number}"))
            time.sleep(rest)
    found.failed = len(kept.failures) + len(single.failures)
    found.requests = kept.ok + single.ok + found.failed
    return found


def _one(site: Site, version: str) -> float:
    """Seconds from the new file to its first answer."""
    site.crm.version(version, "backend/dist/version.js")
    began = time.monotonic()
    asking = threading.Thread(target=site.replace)
    asking.start()
    try:
        until(lambda: site.crm.says().get("version") == version, 60, f"{version} answers")
        return time.monotonic() - began
    finally:
        asking.join()


def _memory(manager: int) -> Held:
    """Of the manager and all that descends from it."""
    alone = account.memory(manager)
    below = (account.memory(one.pid) for one in psutil.Process(manager).children(recursive=True))
    return Held(alone, account.Memory(*map(sum, zip(alone, *below, strict=True))))


def _both_answer(crm: Crm) -> bool:
    """The page's server is there, and brings what the API says."""
    return bool(crm.says(8080))


def _timed(crm: Crm, command: list[str | Path], env: dict[str, str]) -> float:
    """Seconds from the command to both answering; then waits for the command's end."""
    began = time.monotonic()
    process = subprocess.Popen(
        command,
        env=env,
        cwd=crm.root,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: _both_answer(crm), 120, "API and page answer")
        took = time.monotonic() - began
        assert process.wait(60) == 0, f"{command[-1]} failed"
        return took
    finally:
        process.kill()
        process.wait()


@contextmanager
def _recon(bench: _Bench, **how: bool) -> Iterator[Site]:
    crm = bench.copy(**how)
    subject = Subject(bench.stage.place("recon"), bench.stage.recon)
    try:
        subject.cli("import", "pm2", crm.config(), "--only", _APPS)
        share(subject, crm, "backend-prod", 3000, "/health")
        share(subject, crm, "frontend-prod", 8080, "/")
        up = _timed(crm, [subject.program, "apply"], subject.environment)
        site = Site(crm, up, lambda: subject.status()["controller"]["pid"])
        if not how.get("watch"):
            site = replace(site, replace=lambda: subject.seconds("restart", "backend-prod"))
        yield site
    finally:
        subject.close()


@contextmanager
def _pm2(bench: _Bench, **how: bool) -> Iterator[Site]:
    assert bench.pm2
    crm = bench.copy(**how)
    peer = Pm2(bench.stage.place("PM2"), bench.pm2)
    try:
        up = _timed(crm, [bench.pm2, "start", crm.config(), "--only", _APPS], peer.environment)
        site = Site(crm, up, lambda: peer.pid)
        if not how.get("watch"):
            site = replace(site, replace=lambda: peer.reload("backend-prod"))
        yield site
    finally:
        peer.close()


_WAYS: dict[str, dict[str, tuple[_Start, dict[str, bool]]]] = {
    "by watch": {"recon": (_recon, {"watch": True}), "PM2": (_pm2, {"watch": True})},
    "by restart": {
        "recon": (_recon, {}),
        "PM2 reload": (_pm2, {}),
        "PM2 reload, cluster": (_pm2, {"cluster": True}),
    },
}
