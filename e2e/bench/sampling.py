"""1,000 instances with a `limits.memory`: what does watching cost, and how soon is it seen?"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import datetime
from statistics import median
from typing import Any

from e2e.bench.figures import Line, Report, of
from e2e.bench.idle import watch
from e2e.bench.program import Stamps
from e2e.bench.stage import Stage
from e2e.bench.subject import Subject, manifest
from tests.waiting import until

_COUNT = 1000
_LIMIT = {"memory": "300Mi"}
_CORE, _SECONDS = 0.5, 3.0
_CROSSES = """
import os, time
while not os.path.exists('go'): time.sleep(0.01)
at = time.time(); held = bytearray(100 << 20)
if not os.path.exists('crossed'):  # by this one; its successor crosses as well
    open('crossed.new', 'w').write(str(at)); os.rename('crossed.new', 'crossed')
time.sleep(600)
"""


def measure(stage: Stage) -> Report:
    with stage.subject() as (subject, stamps):
        with_limits, without = _cost(stage, subject, stamps)
    seconds = [_crossing(stage, n) for n in range(stage.count(7, 2))]
    core, more = with_limits["percent"], with_limits["percent"] - without["percent"]
    told = f"{core:.2f} % ({more:+.2f} for the limits)"
    most = max(seconds)
    return Report(
        [
            Line(f"{_COUNT:,} with limits.memory, of a core", told, (), "≤ 0.5 %", core <= _CORE),
            Line("the same, resident", f"{with_limits['rss']:.1f} MiB"),
            Line(
                "limit crossed → noticed",
                f"{median(seconds):.1f} s, at most {most:.1f} s",
                ("PM2 looks every 30 s",),
                "≤ 3 s",
                most <= _SECONDS,
            ),
        ],
        {"with": with_limits, "without": without, "noticed": of(seconds)},
    )


def _cost(stage: Stage, subject: Subject, stamps: Stamps) -> tuple[dict[str, Any], dict[str, Any]]:
    """Of the same processes: with a limit, and after that without."""
    stage.say(f"sampling: starting {_COUNT} with limits")
    command = stage.command(stamps)
    subject.write("crowd.yaml", manifest("crowd", command, instances=_COUNT, limits=_LIMIT))
    stamps.gather(_COUNT)
    with_limits = watch(stage, subject.pid)
    subject.write("crowd.yaml", manifest("crowd", command, instances=_COUNT))
    return with_limits, watch(stage, subject.pid)


def _crossing(stage: Stage, number: int) -> float:
    """Seconds from the first byte that a program takes too much to the event."""
    with stage.subject() as (subject, _):
        program = subject.manifests.parent
        command = [sys.executable, "-I", "-S", "-c", _CROSSES]
        subject.write("fat.yaml", manifest("fat", command, cwd="..", limits={"memory": "60Mi"}))
        subject.wait("fat", ready=1)
        time.sleep(2.0 + number * 0.31)  # anywhere between two looks
        (program / "go").touch()
        stage.say("sampling: a limit is crossed")
        event = until(lambda: _event(subject), 30, "it is noticed")
        until((program / "crossed").exists, 30, "it says when")
        crossed = float((program / "crossed").read_text())
        return datetime.fromisoformat(event["time"]).timestamp() - crossed


def _event(subject: Subject) -> dict[str, Any]:
    done = subprocess.run(
        [subject.program, "events", "fat", "-o", "json"],
        capture_output=True,
        check=True,
        env=subject.environment,
    )
    found = [json.loads(line) for line in done.stdout.splitlines()]
    return next((one for one in found if one["reason"] == "MemoryLimitExceeded"), {})
