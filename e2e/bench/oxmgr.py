"""The method that OxMgr publishes, run for recon beside PM2, with OxMgr's own figures beside it.

Measured are the boot of an empty daemon, 100 idle Node programs from the command to the last one
online, a list of them, the daemon's resident memory then, and a kill of one app until its port
answers again. OxMgr's figures are of its own machine: its repository has them in `benchmark.json`,
refreshed weekly by its continuous integration. They are here as published, for orientation.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from e2e.bench import figures
from e2e.bench.account import memory
from e2e.bench.figures import Line, Report, ms
from e2e.bench.machine import free_port, installed
from e2e.bench.peers.pm2 import Pm2
from e2e.bench.stage import Stage
from e2e.bench.subject import Subject, manifest
from tests.waiting import until

SOURCE = "https://github.com/Vladimir-Urik/OxMgr/blob/main/benchmark.json"
DATE = "2026-08-03"
PUBLISHED: dict[str, dict[str, float]] = {
    "boot": {"OxMgr": 0.1008, "PM2": 0.3895},
    "up": {"OxMgr": 0.8130, "PM2": 6.4175},
    "list": {"OxMgr": 0.0057, "PM2": 0.3298},
    "rss": {"OxMgr": 10204 / 1024, "PM2": 163048 / 1024},
    "kill": {"OxMgr": 0.0353, "PM2": 0.1774},
}
"""Medians in seconds and MiB, at 100 processes; `up` is its start and its settle together."""
TITLES = {
    "boot": "boot of an empty daemon",
    "up": "100 Node programs, from the command to the last one online",
    "list": "a list of 100",
    "rss": "resident memory of the daemon, 100 programs",
    "kill": "killed → its port answers again",
}
_PROGRAM = Path(__file__).with_name("listen.js")
_COUNT = 100
_SETTLE = 2.0
_REST = 1.5


def measure(stage: Stage) -> Report:
    if not installed("node"):
        return Report([Line("the method of OxMgr", "Node is not installed")])
    kinds: dict[str, Callable[[Stage], dict[str, list[float]]]] = {"recon": _recon}
    if installed(*Pm2.needs):
        kinds["PM2"] = _pm2
    found: dict[str, dict[str, list[float]]] = {name: {} for name in kinds}
    for number in range(stage.count(2, 1)):
        for name, run in kinds.items():
            stage.say(f"oxmgr: {name}, round {number + 1}")
            for what, samples in run(stage).items():
                found[name].setdefault(what, []).extend(samples)
    raw: dict[str, Any] = {
        name: {what: figures.of(samples) for what, samples in one.items()}
        for name, one in found.items()
    }
    lines = []
    for what, title in TITLES.items():
        peers = [
            f"{name} {shown(what, raw[name][what]['median'])}" for name in raw if name != "recon"
        ] or ["PM2 not installed"]
        peers.append(f"OxMgr, published: {shown(what, PUBLISHED[what]['OxMgr'])}")
        lines.append(Line(title, shown(what, raw["recon"][what]["median"]), tuple(peers)))
    return Report(lines, raw)


def shown(what: str, value: float) -> str:
    return f"{value:.1f} MiB" if what == "rss" else ms(value)


def _recon(stage: Stage) -> dict[str, list[float]]:
    subject = Subject(stage.place("recon"), stage.recon)
    try:
        began = time.monotonic()
        subject.run()
        found = {"boot": [time.monotonic() - began]}
        node = shutil.which("node")
        assert node is not None
        text = "---\n".join(
            manifest(f"app-{number}", [node, str(_PROGRAM)]) for number in range(_COUNT)
        )
        began = time.monotonic()
        subject.write("apps.yaml", text)
        subject.cli("apply")
        found["up"] = [time.monotonic() - began]
        time.sleep(_SETTLE)
        found["list"] = [subject.seconds("status") for _ in range(stage.count(10, 2))]
        found["rss"] = [memory(subject.pid).rss]
        port = free_port()
        command = [node, str(_PROGRAM), str(port)]
        subject.write("server.yaml", manifest("server", command, backoff={"initialSeconds": 0}))
        found["kill"] = _kills(stage, port)
        return found
    finally:
        subject.close()


def _pm2(stage: Stage) -> dict[str, list[float]]:
    with ExitStack() as stack:
        peer = Pm2(stage.place("pm2"))
        stack.callback(peer.close)
        began = time.monotonic()
        _call(peer, "ping")
        found = {"boot": [time.monotonic() - began]}
        app = {"script": str(_PROGRAM), "exec_mode": "fork", "min_uptime": 100}
        apps = [{**app, "name": f"app-{number}"} for number in range(_COUNT)]
        config = peer.home / "apps.config.json"
        config.write_text(json.dumps({"apps": apps}))
        began = time.monotonic()
        _call(peer, "start", str(config))
        until(lambda: _online(peer) == _COUNT, 60, "all are online")
        found["up"] = [time.monotonic() - began]
        time.sleep(_SETTLE)
        found["list"] = [_timed(peer, "jlist") for _ in range(stage.count(10, 2))]
        found["rss"] = [memory(peer.pid).rss]
        port = free_port()
        config = peer.home / "server.config.json"
        server = {**app, "name": "server", "args": [str(port)], "max_restarts": 1_000_000}
        config.write_text(json.dumps({"apps": [server]}))
        _call(peer, "start", str(config))
        found["kill"] = _kills(stage, port)
        return found


def _call(peer: Pm2, *words: str) -> str:
    done = subprocess.run(
        [peer.program, *words],
        env=peer.environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
        timeout=180,
    )
    return done.stdout


def _timed(peer: Pm2, *words: str) -> float:
    began = time.monotonic()
    _call(peer, *words)
    return time.monotonic() - began


def _online(peer: Pm2) -> int:
    text = _call(peer, "jlist")
    listed = json.loads(text[text.index("[{") :])
    return sum(app["pm2_env"]["status"] == "online" for app in listed)


def _kills(stage: Stage, port: int) -> list[float]:
    """Seconds from each kill to the first answer of another process on the port."""
    samples = []
    for _ in range(stage.count(10, 2)):
        until(lambda: _served(port) is not None, 30, "the port answers")
        time.sleep(_REST)
        before = _served(port)
        assert before is not None
        began = time.monotonic()
        os.kill(before, signal.SIGKILL)
        while _served(port) in (None, before):
            assert time.monotonic() < began + 30, "the port answers again"
            time.sleep(0.0005)
        samples.append(time.monotonic() - began)
    return samples


def _served(port: int) -> int | None:
    """The pid that answers on the port; None where none does."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            answer = connection.recv(64)
    except OSError:
        return None
    return int(answer) if answer else None
