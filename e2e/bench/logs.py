"""A program floods its output with lines of 100 bytes: how fast do they get into the log?

Each gets a timestamp. From the first line's writing until the last one is in the file; the CPU is
that of the process that writes the log.
"""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from e2e.bench.account import cpu_seconds
from e2e.bench.figures import Line, Report
from e2e.bench.machine import installed
from e2e.bench.peers.pm2 import Pm2
from e2e.bench.program import Stamps
from e2e.bench.stage import Stage
from e2e.bench.subject import manifest
from tests.waiting import until

_LINE = 100
_RATE, _CPU = 1_000_000, 0.2
_UNIT = 500_000
_LOGGERS = {
    "s6-log": ["s6-log", "T", "s268435455", "n2", "{log}"],
    "svlogd": ["svlogd", "-ttt", "{log}"],
}


class Flow(NamedTuple):
    """Lines a second, and CPU seconds per 500,000 lines."""

    rate: float
    cpu: float


def measure(stage: Stage) -> Report:
    lines = stage.count(2_000_000, 200_000)
    rounds = stage.count(3, 1)
    whole = [_recon(stage, lines, rotate="1Gi") for _ in range(rounds)]
    rotated = [_recon(stage, lines, rotate="10Mi") for _ in range(rounds)]
    peers = {name: _logger(stage, name, lines // 2) for name in _LOGGERS if installed(name)}
    if installed(*Pm2.needs):
        peers["PM2"] = _pm2(stage, lines // 8)
    missing = [f"{name} not installed" for name in ("PM2", *_LOGGERS) if name not in peers]
    rates = tuple(f"{name} {flow.rate / 1e6:.2f} M/s" for name, flow in peers.items())
    costs = tuple(f"{name} {flow.cpu:.2f} s" for name, flow in peers.items())
    report = Report(raw={"one file": whole, "rotated at 10Mi": rotated, **peers})
    for what, flows, told in (
        ("with timestamps", whole, True),
        ("rotated at 10Mi and compressed", rotated, False),
    ):
        rate, cpu = sorted(flow.rate for flow in flows)[rounds // 2], min_cpu(flows)
        report.lines += [
            Line(
                f"log lines of 100 bytes a second, {what}",
                f"{rate / 1e6:.2f} M/s",
                (*rates, *missing) if told else (),
                "≥ 1 M/s",
                rate >= _RATE,
            ),
            Line(
                f"CPU per 500,000 lines, {what}",
                f"{cpu:.2f} s",
                costs if told else (),
                "≤ 0.2 s",
                cpu <= _CPU,
            ),
        ]
    return report


def min_cpu(flows: list[Flow]) -> float:
    """The median round's CPU."""
    return sorted(flow.cpu for flow in flows)[len(flows) // 2]


def _recon(stage: Stage, lines: int, rotate: str) -> Flow:
    stage.say(f"logs: recon, {lines:,} lines, rotated at {rotate}")
    go = _fifo(stage)
    with stage.subject() as (subject, stamps):
        command = [*stage.command(stamps), str(lines), str(go)]
        text = manifest("flood", command, logs={"rotate": {"size": rotate, "keep": 3}})
        subject.write("flood.yaml", text)
        stamps.next()
        time.sleep(0.5)
        before = cpu_seconds(subject.pid)
        log = subject.state / "logs/flood/0.out.log"
        began = time.monotonic_ns()
        go.write_bytes(b"!")
        stamps.next(120)
        ended = _until_written(log, lines if rotate == "1Gi" else None)
        return Flow(lines / ended_seconds(began, ended), cpu(subject.pid, before, lines))


def ended_seconds(began: int, ended: int) -> float:
    return (ended - began) / 1e9


def cpu(pid: int, before: float, lines: int) -> float:
    """CPU seconds since ``before``, per 500,000 lines."""
    return (cpu_seconds(pid) - before) / lines * _UNIT


def _until_written(log: Path, lines: int | None) -> int:
    """When (CLOCK_MONOTONIC, ns) the log had all, or, where it rotates, grew no more."""
    size, since = -1, time.monotonic_ns()

    def complete() -> bool:
        nonlocal size, since
        now = log.stat().st_size
        if now != size:
            size, since = now, time.monotonic_ns()
        if lines is not None:
            return size >= lines * _LINE and size % lines == 0
        return time.monotonic_ns() - since > 300_000_000

    until(complete, 120, "all lines are in the log")
    return since


def _logger(stage: Stage, name: str, lines: int) -> Flow:
    """A logger behind a pipe. Its CPU comes with its exit status."""
    stage.say(f"logs: {name}, {lines:,} lines")
    go, folder = _fifo(stage), stage.place("log")
    folder.mkdir()
    (folder / "config").write_text("s0\n")  # svlogd: never rotate
    reading, writing = os.pipe()
    command = [word.format(log=folder) for word in _LOGGERS[name]]
    logger = subprocess.Popen(command, stdin=reading)
    with stage.stamps() as stamps:
        flood = [*stage.command(stamps), str(lines), str(go), "leave"]
        writer = subprocess.Popen(flood, stdin=subprocess.DEVNULL, stdout=writing)
        os.close(reading)
        os.close(writing)
        stamps.next()
        began = time.monotonic_ns()
        go.write_bytes(b"!")
        _, status, usage = os.wait4(logger.pid, 0)
        ended = time.monotonic_ns()
        logger.returncode = os.waitstatus_to_exitcode(status)
        writer.wait()
    spent = (usage.ru_utime + usage.ru_stime) / lines * _UNIT
    return Flow(lines / ended_seconds(began, ended), spent)


def _pm2(stage: Stage, lines: int) -> Flow:
    stage.say(f"logs: PM2, {lines:,} lines")
    go, peer = _fifo(stage), Pm2(stage.place("PM2"))
    log = peer.home / "out.log"
    with stage.stamps() as stamps:
        try:
            more = (str(lines), str(go))
            options = {"time": True, "out_file": str(log), "merge_logs": True}
            peer.supervise(stage.program.path, stamps.path, more, **options)
            return _pm2_flow(stamps, peer, log, go, lines)
        finally:
            peer.close()


def _pm2_flow(stamps: Stamps, peer: Pm2, log: Path, go: Path, lines: int) -> Flow:
    stamps.next()
    time.sleep(1)
    before = cpu_seconds(peer.pid)
    began = time.monotonic_ns()
    go.write_bytes(b"!")
    stamps.next(300)
    ended = _until_written(log, None)
    return Flow(lines / ended_seconds(began, ended), cpu(peer.pid, before, lines))


def _fifo(stage: Stage) -> Path:
    path = stage.place("go")
    os.mkfifo(path)
    return path
