"""The report of a soak: Markdown with a small plot of each series, and a row for the results."""

from __future__ import annotations

import platform
from pathlib import Path

from e2e.bench import machine
from e2e.reliability.results import ROOT, Row, add, commit
from e2e.soak.judge import STRETCHES, stretches
from e2e.soak.plots import picture
from e2e.soak.samples import SERIES
from e2e.soak.soak import Soak

_BARS = "▁▂▃▄▅▆▇█"


def write(result: Soak, folder: Path) -> None:
    """`soak.md`, and `pictures/soak.svg` beside it."""
    folder.mkdir(exist_ok=True)
    (folder / "pictures").mkdir(exist_ok=True)
    (folder / "soak.md").write_text(page(result))
    (folder / "pictures/soak.svg").write_text(picture(result.times, result.values))


def record(result: Soak) -> None:
    """The result for `docs/reliability.md`."""
    rows = [
        Row(
            name,
            "level over the second half",
            "failed" if verdict.rises else "held",
            _detail(name, result),
        )
        for name, verdict in result.verdicts.items()
    ]
    rows += [Row(fault.partition(":")[0], fault, "failed") for fault in result.faults]
    add(
        "soak", rows, {"minutes": round(result.seconds / 60, 1), "apps": result.apps, **result.done}
    )


def page(result: Soak) -> str:
    """The whole page."""
    host = machine.describe(ROOT)
    done = "; ".join(f"{count:,} {name}" for name, count in result.done.items())
    verdict = (
        "Nothing rises." if not result.rising else f"**These rise: {', '.join(result.rising)}.**"
    )
    lines = [
        "# Soak",
        "",
        "<!-- Written by `make soak`. Do not edit it. -->",
        "",
        f"One controller worked for {_lasted(result.seconds)} on {result.apps} apps"
        f" ({result.instances} processes at the end) of mixed habits: some crash, write, rotate",
        "their logs, ignore SIGTERM, fork, have probes, secrets or sockets. Meanwhile users did:",
        f"{done}.",
        "",
        f"{verdict} At the end every app was as declared, and `recon down` left no process."
        if not result.faults
        else f"{verdict} **{len(result.faults)} faults: {'; '.join(result.faults)}**",
        f"The controller and its helpers used {result.share:.1%} of a core.",
        "",
        "The journal was full from the start: the controller began with"
        f" {result.aged:,} events, up to which recon keeps them.",
        "",
        "| what | level | rise | allowed | p < 0.01 | the whole run |",
        "| --- | ---: | ---: | ---: | --- | --- |",
        *(_row(name, result) for name in result.verdicts),
        "",
        "![each series over time](pictures/soak.svg)",
        "",
        "The rule (`e2e/soak/judge.py`): only the second half counts. It is cut into"
        f" {STRETCHES} stretches, and the median of each stands for it. A series rises if",
        "Kendall's test finds a trend (one-sided, p < 0.01) and the line of Theil and Sen",
        "rises by more than is allowed over the half. *level* is the median of the half.",
        "",
        f"{host['at'][:16].replace('T', ' ')} UTC, commit `{commit()}`, {host['cores']} cores"
        f" ({host['processor']}), {host['memoryMiB']:,} MiB, Linux {host['kernel']},"
        f" Python {platform.python_version()}, files on {host['filesystem']}; nice 19, and other",
        "programs used the machine too.",
        "",
    ]
    return "\n".join(lines)


def _row(name: str, result: Soak) -> str:
    verdict = result.verdicts[name]
    unit = next(f" {s.unit}" if s.unit else "" for s in SERIES if s.name == name)
    trend = "yes" if verdict.deviations > 2.326 else "no"
    mark = f"**{name}: rises**" if verdict.rises else name
    bars = f"`{_bars(result.values[name])}`"
    numbers = (verdict.level, verdict.rise, verdict.allowance)
    cells = [f"{value:,.0f}{unit}" for value in numbers]
    return f"| {mark} | {' | '.join(cells)} | {trend} | {bars} |"


def _bars(values: list[float]) -> str:
    points = stretches(values, 40)
    low, high = min(points), max(points)
    steps = len(_BARS) - 1
    return "".join(
        _BARS[round((p - low) / (high - low) * steps) if high > low else 0] for p in points
    )


def _detail(name: str, result: Soak) -> str:
    verdict = result.verdicts[name]
    return f"level {verdict.level:,.0f}, rise {verdict.rise:,.0f}, allowed {verdict.allowance:,.0f}"


def _lasted(seconds: float) -> str:
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} minutes"
