"""10,000 manifests: a dry run over all of them, and an edit of one."""

from __future__ import annotations

import subprocess
import time

from e2e.bench import figures
from e2e.bench.edit import declare, edit
from e2e.bench.figures import Line, Report, ms
from e2e.bench.stage import Stage
from e2e.bench.subject import Subject

_MANY, _FEW = 10_000, 100
_RUNNING = 10
_TARGET = 2.5
_PARSE = """\
import pathlib, sys, yaml
for path in sorted(pathlib.Path(sys.argv[1]).rglob("*.yaml")):
    list(yaml.load_all(path.read_bytes(), Loader=yaml.CSafeLoader))
"""
"""What cannot be done without: read the files, and parse them by PyYAML's parser in C."""
_SAME = 1.25


def measure(stage: Stage) -> Report:
    report = Report()
    edited = {few: _edited(stage, few, report) for few in (_FEW, _MANY)}
    median = {count: figures.of(found)["median"] for count, found in edited.items()}
    ratio = median[_MANY] / median[_FEW]
    line = Line(
        f"edit of one file among {_MANY:,} declared → new process",
        ms(median[_MANY]),
        (f"recon among {_FEW} {ms(median[_FEW])}",),
        "the same",
        ratio <= _SAME,
    )
    report.lines.append(line)
    report.raw |= {f"edit among {count}": figures.of(found) for count, found in edited.items()}
    return report


def _edited(stage: Stage, count: int, report: Report) -> list[float]:
    with stage.subject() as (subject, stamps):
        stage.say(f"dry-run: declaring {count:,} apps")
        declare(stage, subject, stamps, range(_RUNNING), range(_RUNNING, count))
        stamps.gather(_RUNNING)
        time.sleep(4)
        samples = edit(stage, subject, stamps, stage.count(30, 3), running=_RUNNING)
        if count == _MANY:
            _dry_run(stage, subject, report, "controller running")
            subject.leave()
            _dry_run(stage, subject, report, "no controller")
    return samples


def _dry_run(stage: Stage, subject: Subject, report: Report, how: str) -> None:
    runs = stage.count(5, 1)
    samples, bare = [], []
    for number in range(runs):
        stage.say(f"dry-run: {number + 1} of {runs}, {how}")
        samples.append(subject.seconds("apply", "--dry-run"))
        bare.append(_parse(subject))
    found, parsed = figures.of(samples), figures.of(bare)
    ratio = found["median"] / parsed["median"]
    line = Line(
        f"`apply --dry-run`, {_MANY:,} manifests, {how}",
        f"{found['median']:.2f} s ×{ratio:.2f}",
        (f"reading and parsing alone {parsed['median']:.2f} s",),
        f"≤ ×{_TARGET}",
        ratio <= _TARGET,
    )
    report.lines.append(line)
    report.raw |= {f"dry run, {how}": found, f"parse, {how}": parsed}


def _parse(subject: Subject) -> float:
    """Seconds in which the same Python reads and parses the same files."""
    python = subject.program.with_name("python")
    began = time.monotonic()
    subprocess.run([python, "-c", _PARSE, subject.manifests], check=True)
    return time.monotonic() - began
