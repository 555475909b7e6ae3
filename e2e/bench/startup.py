"""1,000 instances from nothing, beside a bare loop that starts the same program as often."""

from __future__ import annotations

import subprocess
import time
from statistics import median

from e2e.bench import figures
from e2e.bench.figures import Line, Report, ms
from e2e.bench.program import Stamp
from e2e.bench.stage import Stage
from e2e.bench.subject import manifest

_COUNT = 1000
_TARGET, _TARGET_APPS = 1.5, 1.8


def measure(stage: Stage) -> Report:
    rounds = stage.count(5, 1)
    bare: list[float] = []
    one: list[float] = []
    many: list[float] = []
    for number in range(rounds):
        stage.say(f"startup: round {number + 1} of {rounds}, {_COUNT} processes three times")
        bare.append(_bare(stage))
        one.append(_one_app(stage))
        many.append(_many_apps(stage))
    lines = []
    for what, found, target in (
        ("1,000 instances of one app, from its manifest to the last one", one, _TARGET),
        ("1,000 apps, from their folder's arrival to the last one", many, _TARGET_APPS),
    ):
        ratio = median(found) / median(bare)
        line = Line(
            what,
            f"{ms(median(found))} ×{ratio:.2f}",
            (f"bare Popen loop {ms(median(bare))}",),
            f"≤ ×{target}",
            ratio <= target,
        )
        lines.append(line)
    raw = {"bare": figures.of(bare), "one app": figures.of(one), "1000 apps": figures.of(many)}
    return Report(lines, raw)


def _bare(stage: Stage) -> float:
    with stage.stamps() as stamps:
        command = stage.command(stamps)
        children: list[subprocess.Popen[bytes]] = []
        try:
            began = time.monotonic_ns()
            for _ in range(_COUNT):
                children.append(subprocess.Popen(command, stdin=subprocess.DEVNULL))
            return _last(stamps.gather(_COUNT), began)
        finally:
            for child in children:
                child.kill()
                child.wait()


def _one_app(stage: Stage) -> float:
    with stage.subject() as (subject, stamps):
        text = manifest("crowd", stage.command(stamps), instances=_COUNT)
        began = time.monotonic_ns()
        subject.write("crowd.yaml", text)
        return _last(stamps.gather(_COUNT), began)


def _many_apps(stage: Stage) -> float:
    with stage.subject() as (subject, stamps):
        folder = stage.place("crowd")
        folder.mkdir()
        for number in range(_COUNT):
            text = manifest(f"one-{number}", stage.command(stamps))
            (folder / f"one-{number}.yaml").write_text(text)
        began = time.monotonic_ns()
        folder.rename(subject.manifests / "crowd")
        return _last(stamps.gather(_COUNT), began)


def _last(stamps: list[Stamp], began: int) -> float:
    return (max(stamp.at for stamp in stamps) - began) / 1e9
