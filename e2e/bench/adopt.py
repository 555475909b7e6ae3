"""The controller is killed: how long until the next one has taken over 1,000 instances?

From the start of `recon run` to the first status in which all are there and Synced. The instances
run on meanwhile, none is started again.
"""

from __future__ import annotations

import os
import signal
import time
from typing import Any

from e2e.bench import figures
from e2e.bench.edit import declare
from e2e.bench.figures import Line, Report, ms
from e2e.bench.program import Stamps
from e2e.bench.stage import Stage
from e2e.bench.subject import Subject, manifest
from tests.waiting import until

_COUNT = 1000
_TARGET = 1.0
_REST = 3.0


def measure(stage: Stage) -> Report:
    report = Report()
    for what, begin in (("instances of one app", _one_app), ("apps", _many_apps)):
        with stage.subject() as (subject, stamps):
            stage.say(f"adopt: starting {_COUNT:,} {what}")
            begin(stage, subject, stamps)
            stamps.gather(_COUNT)
            found = _takeovers(stage, subject)
            assert stamps.drain() == 0, "an instance was started again"
        median = figures.of(found)["median"]
        told = f"kill -9 of the controller → the next has {_COUNT:,} {what}"
        report.lines.append(Line(told, ms(median), (), "≤ 1 s", median <= _TARGET))
        report.raw[what] = figures.of(found)
    return report


def _one_app(stage: Stage, subject: Subject, stamps: Stamps) -> None:
    subject.write("crowd.yaml", manifest("crowd", stage.command(stamps), instances=_COUNT))


def _many_apps(stage: Stage, subject: Subject, stamps: Stamps) -> None:
    declare(stage, subject, stamps, range(_COUNT))


def _takeovers(stage: Stage, subject: Subject) -> list[float]:
    samples = []
    until(lambda: _is_well(subject.status()), 60, "all are Synced")
    rounds = stage.count(7, 1)
    for number in range(rounds):
        stage.say(f"adopt: controller {number + 1} of {rounds}")
        time.sleep(_REST)  # it has written what it knows
        controller = subject.controller
        assert controller is not None
        os.kill(controller.pid, signal.SIGKILL)
        controller.wait()
        began = time.monotonic()
        subject.run()
        until(lambda: _is_well(subject.status()), 60, "all are taken over")
        samples.append(time.monotonic() - began)
    return samples


def _is_well(status: dict[str, Any]) -> bool:
    apps = status["apps"]
    instances = sum(row["pid"] is not None for app in apps for row in app["instances"])
    return instances == _COUNT and all(app["sync"] == "Synced" for app in apps)
