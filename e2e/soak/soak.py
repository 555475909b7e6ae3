"""One soak: the crew runs, the users do what they do, samples are taken, the judge speaks."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from e2e.harness import Recon, alive
from e2e.soak import crew
from e2e.soak.age import age
from e2e.soak.judge import Verdict, judge
from e2e.soak.samples import SERIES, processor_seconds, sample
from e2e.soak.users import Users
from tests.waiting import until


class Soak(NamedTuple):
    """What came of one."""

    seconds: float
    times: list[float]
    """Of each sample, since the start."""
    values: dict[str, list[float]]
    verdicts: dict[str, Verdict]
    done: dict[str, int]
    """How often each of the users' habits was followed."""
    apps: int
    instances: int
    aged: int
    share: float
    """Of a core, that the controller and its helpers used."""
    faults: list[str]
    """What went wrong beside a series that rises."""

    @property
    def rising(self) -> list[str]:
        return [name for name, verdict in self.verdicts.items() if verdict.rises]


def soak(
    home: Path,
    seconds: float,
    every: float,
    *,
    hurry: float = 1.0,
    started_by: list[str] | None = None,
    say: Callable[[str], None] = print,
) -> Soak:
    """Run one, in an empty folder. AssertionError where the controller itself fails."""
    recon = Recon(home)
    recon.started_by = started_by or []
    users = Users(recon, hurry)
    try:
        crew.write(recon)
        aged = _age(recon)
        pid = recon.run().pid
        names = [app["name"] for app in recon.status()["apps"]]
        users.start()
        began, used = time.monotonic(), processor_seconds(pid)
        times, values = _watch(recon, pid, seconds, every, say)
        lasted = time.monotonic() - began
        share = (processor_seconds(pid) - used) / lasted
        users.stop()
        crew.write(recon)
        _settle(recon)
        rows = [row for app in recon.status()["apps"] for row in app.get("instances", [])]
        pids = [row["pid"] for row in rows if row["pid"] is not None]
        recon.cli("down")
        until(lambda: not any(map(alive, pids)), what="down leaves no process")
    finally:
        users.stop()
        recon.close()
    verdicts = {s.name: judge(values[s.name], s.least, s.share) for s in SERIES}
    return Soak(
        lasted,
        times,
        values,
        verdicts,
        users.count,
        len(names),
        len(pids),
        aged,
        share,
        users.faults,
    )


def _age(recon: Recon) -> int:
    """Let a controller make the journal, and fill that."""
    controller = recon.run()
    names = until(lambda: [app["name"] for app in recon.status()["apps"]], what="the apps")
    controller.terminate()
    controller.wait()
    return age(recon.state / "recon.db", names)


def _watch(
    recon: Recon, pid: int, seconds: float, every: float, say: Callable[[str], None]
) -> tuple[list[float], dict[str, list[float]]]:
    times: list[float] = []
    values: dict[str, list[float]] = {series.name: [] for series in SERIES}
    began = time.monotonic()
    while (now := time.monotonic() - began) < seconds:
        for name, value in sample(recon, pid).items():
            values[name].append(value)
        times.append(now)
        if len(times) % 60 == 0:
            say(f"{now / 60:.0f} min: " + _last(values))
        time.sleep(max(0.0, len(times) * every - (time.monotonic() - began)))
        assert recon.controller is not None and recon.controller.poll() is None, "it ended"
    return times, values


def _last(values: dict[str, list[float]]) -> str:
    return ", ".join(f"{name} {series[-1]:.0f}" for name, series in values.items())


def _settle(recon: Recon) -> None:
    """Every app that can be well is well in the end, whatever it went through."""

    def unwell() -> list[Any]:
        return [
            (app["name"], app["sync"], app["health"])
            for app in recon.status()["apps"]
            if not app["name"].startswith(("crashing", "guest", "minutely", "on-request"))
            and (app["sync"], app["health"]) != ("Synced", "Healthy")
        ]

    try:
        until(lambda: not unwell(), what="all apps are well")
    except AssertionError as error:
        raise AssertionError(f"{error}: {unwell()}") from None
