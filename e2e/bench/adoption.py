"""A controller is killed and another takes over 1,000 instances: how long until it has them all?"""

from __future__ import annotations

import time

from e2e.bench import figures
from e2e.bench.edit import declare
from e2e.bench.figures import Line, Report, ms
from e2e.bench.stage import Stage
from e2e.bench.subject import Subject, manifest
from tests.waiting import until

_COUNT = 1000
_TARGET = 1.0
_SETTLE = 3.0


def measure(stage: Stage) -> Report:
    report = Report()
    for what, apps in (("1,000 instances of one app", False), ("1,000 apps", True)):
        found = _takeovers(stage, apps=apps)
        took = figures.of(found)
        line = f"controller killed and started again → {what} adopted"
        met = took["median"] <= _TARGET
        report.lines.append(Line(line, ms(took["median"]), (), "≤ 1 s", met))
        report.raw[what] = took
    return report


def _takeovers(stage: Stage, *, apps: bool) -> list[float]:
    with stage.subject() as (subject, stamps):
        stage.say(f"adoption: starting {_COUNT}")
        if apps:
            declare(stage, subject, stamps, running=range(_COUNT))
        else:
            text = manifest("crowd", stage.command(stamps), instances=_COUNT)
            subject.write("crowd.yaml", text)
        stamps.gather(_COUNT)
        samples = []
        for number in range(stage.count(5, 1)):
            time.sleep(_SETTLE)
            stage.say(f"adoption: takeover {number + 1}")
            samples.append(_takeover(subject))
        assert stamps.drain() == 0, "an instance was started again"
        return samples


def _takeover(subject: Subject) -> float:
    assert subject.controller is not None
    subject.controller.kill()
    subject.controller.wait()
    began = time.monotonic()
    subject.run()
    until(lambda: _ready(subject) == _COUNT, 60, "all are adopted")
    return time.monotonic() - began


def _ready(subject: Subject) -> int:
    apps = subject.status()["apps"]
    return sum(app["ready"] for app in apps)
