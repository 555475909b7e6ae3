"""One manifest among many is edited: how long until the new process's first instruction?"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from e2e.bench import figures
from e2e.bench.figures import Line, Report, ms
from e2e.bench.program import Stamps
from e2e.bench.stage import Stage
from e2e.bench.subject import Subject, manifest, replace_file

_COUNT = 1000
_TARGET = 0.1
_REST = 0.4
_SETTLE = 3.0
_AS_FAST = 1.25


def measure(stage: Stage) -> Report:
    report = Report()
    edits = stage.count(30, 3)
    with stage.subject() as (subject, stamps):
        stage.say(f"edit: starting {_COUNT} apps")
        declare(stage, subject, stamps, range(_COUNT))
        stamps.gather(_COUNT)
        time.sleep(3)
        for how, write in (("renamed over", replace_file), ("written in place", _overwrite)):
            found = edit(stage, subject, stamps, edits, write=write)
            median = figures.of(found)["median"]
            what = f"edit of one file among {_COUNT:,}, {how} → new process"
            report.lines.append(Line(what, ms(median), (), "≤ 100 ms", median <= _TARGET))
            report.raw[how] = figures.of(found)
        found = _swapped(stage, subject, stamps, edits)
        median, plain = figures.of(found)["median"], report.raw["renamed over"]["median"]
        line = Line(
            f"edit of one of {_COUNT:,} behind a swapped link → new process",
            ms(median),
            (f"recon, renamed over {ms(plain)}",),
            f"≤ ×{_AS_FAST}",
            median <= plain * _AS_FAST,
        )
        report.lines.append(line)
        report.raw["behind a swapped link"] = figures.of(found)
    return report


def _swapped(stage: Stage, subject: Subject, stamps: Stamps, edits: int) -> list[float]:
    """As Kubernetes and deploy tools write: a folder of each version, and a link to the newest.

    It has as many manifests as lie beside it, of which one is edited and one runs.
    """
    data = stage.place("data")
    link = data / "current"

    def swap(version: int) -> None:
        folder = data / str(version)
        if version:
            shutil.copytree(data / str(version - 1), folder)
        else:
            folder.mkdir(parents=True)
            for number in range(_COUNT, 2 * _COUNT):
                text = app(stage, stamps, number, 0, suspend=True)
                (folder / f"app-{number}.yaml").write_text(text)
        text = app(stage, stamps, 2 * _COUNT, version)
        replace_file(folder / f"app-{2 * _COUNT}.yaml", text)
        fresh = data / "fresh"
        fresh.symlink_to(folder)
        began.append(time.monotonic_ns())
        fresh.rename(link)

    began: list[int] = []
    swap(0)
    (subject.manifests / "linked").symlink_to(link)
    stamps.next()
    time.sleep(_SETTLE)
    samples = []
    for number in range(1, edits + 1):
        stage.say(f"edit: {number} of {edits}, behind a link")
        stamps.drain()
        swap(number)
        samples.append((stamps.next().at - began[-1]) / 1e9)
        time.sleep(_REST)
    return samples


def declare(
    stage: Stage, subject: Subject, stamps: Stamps, running: range, suspended: range = range(0)
) -> None:
    """A folder of apps arrives, some of them only declared."""
    folder = stage.place("apps")
    folder.mkdir()
    for numbers, suspend in ((running, False), (suspended, True)):
        for number in numbers:
            text = app(stage, stamps, number, 0, suspend=suspend)
            (folder / f"app-{number}.yaml").write_text(text)
    folder.rename(subject.manifests / "apps")


def app(stage: Stage, stamps: Stamps, number: int, version: int, *, suspend: bool = False) -> str:
    """A manifest as people write them."""
    return manifest(
        f"app-{number}",
        stage.command(stamps),
        env={"VERSION": str(version), "NODE_ENV": "production", "LOG_LEVEL": "info"},
        strategy={"type": "RollingUpdate", "maxSurge": 1},
        terminationGracePeriodSeconds=20,
        suspend=suspend,
    )


def edit(
    stage: Stage,
    subject: Subject,
    stamps: Stamps,
    edits: int,
    *,
    write: Callable[[Path, str], None] = replace_file,
    running: int = _COUNT,
) -> list[float]:
    """Seconds from each edit (of one file after the other) to the new process."""
    samples = []
    for number in range(edits):
        stage.say(f"edit: {number + 1} of {edits}")
        stamps.drain()
        which = number % running
        path = subject.manifests / f"apps/app-{which}.yaml"
        text = app(stage, stamps, which, time.monotonic_ns())
        began = time.monotonic_ns()
        write(path, text)
        samples.append((stamps.next().at - began) / 1e9)
        time.sleep(_REST)
    return samples


def _overwrite(path: Path, text: str) -> None:
    path.write_text(text)
