"""How recon grows: 10 to 3,000 instances, and 10 to 10,000 manifests."""

from __future__ import annotations

import subprocess
import time
from statistics import median
from typing import Any

from e2e.bench.account import cpu_seconds, memory
from e2e.bench.edit import declare
from e2e.bench.figures import Line, Report, ms
from e2e.bench.stage import Stage
from e2e.bench.subject import Subject, manifest
from reconciler.api.client import Client
from tests.waiting import until

INSTANCES = (10, 100, 1000, 3000)
MANIFESTS = (10, 100, 1000, 10_000)
_SETTLE = 5.0


def measure(stage: Stage) -> Report:
    instances = [_instances(stage, count) for count in _least(stage, INSTANCES)]
    manifests = [_manifests(stage, count) for count in _least(stage, MANIFESTS)]
    lines = []
    for point in instances:
        figures = (
            f"up {ms(point['start'])}, status {ms(point['status'])}, "
            f"idle {point['idle']:.2f} % of a core, {point['rss']:.0f} MiB"
        )
        lines.append(Line(f"{point['count']:,} instances of one app", figures))
    for point in manifests:
        figures = (
            f"validate {ms(point['validate'])}, dry run {ms(point['dryRun'])}, "
            f"first load {ms(point['load'])}"
        )
        lines.append(Line(f"{point['count']:,} manifests", figures))
    return Report(lines, {"instances": instances, "manifests": manifests})


def _least(stage: Stage, counts: tuple[int, ...]) -> tuple[int, ...]:
    return counts[: stage.count(len(counts), 2)]


def _instances(stage: Stage, count: int) -> dict[str, Any]:
    with stage.subject() as (subject, stamps):
        stage.say(f"growth: starting {count:,} instances")
        began = time.monotonic_ns()
        subject.write("crowd.yaml", manifest("crowd", stage.command(stamps), instances=count))
        until(lambda: bool(subject.status()["apps"]), 30, "the manifest is read")
        if subject.status()["apps"][0].get("load"):  # what it may need is more than is left
            began = time.monotonic_ns()
            Client(subject.state / "recon.sock").act("confirm-load")
        last = max(stamp.at for stamp in stamps.gather(count))
        until(lambda: subject.status()["apps"][0]["ready"] == count, 120, "all are ready")
        time.sleep(_SETTLE)
        span = stage.count(20, 3)
        stage.say(f"growth: watching {count:,} instances for {span} s")
        cpu, since = cpu_seconds(subject.pid), time.monotonic()
        time.sleep(span)
        idle = 100 * (cpu_seconds(subject.pid) - cpu) / (time.monotonic() - since)
        rss = memory(subject.pid).rss
        looks = [subject.seconds("status") for _ in range(stage.count(9, 1))]
        return {
            "count": count,
            "start": (last - began) / 1e9,
            "status": median(looks),
            "idle": idle,
            "rss": rss,
        }


def _manifests(stage: Stage, count: int) -> dict[str, Any]:
    """All but one of them suspended, so that reading and deciding are measured, and no start."""
    with stage.stamps() as stamps:
        subject = Subject(stage.place("recon"), stage.recon)
        try:
            declare(stage, subject, stamps, range(1), range(1, count))
            runs = stage.count(3, 1)
            stage.say(f"growth: validate and dry run of {count:,} manifests")
            validated = [subject.seconds("validate") for _ in range(runs)]
            dry = [subject.seconds("apply", "--dry-run") for _ in range(runs)]
            stage.say(f"growth: first load of {count:,} manifests")
            began = time.monotonic_ns()
            with subject.output.open("ab") as output:
                subject.controller = subprocess.Popen(
                    [subject.program, "run"],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env=subject.environment,
                )
            first = stamps.next(120).at
            return {
                "count": count,
                "validate": median(validated),
                "dryRun": median(dry),
                "load": (first - began) / 1e9,
            }
        finally:
            subject.close()
