"""Each kind of probe has its check; one that is added is asked, and its answer counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.loop.probing.checking import CHECKS, Checks, Query
from reconciler.model.spec import probe as probes
from reconciler.model.spec.probe import KINDS, Exec, ProbeKind
from reconciler.observed.probes.checks import Result
from tests.diff.simhost import app_of
from tests.loop.simulated.world import World


@dataclass(frozen=True)
class OldEnough(ProbeKind):
    """Success is that the process has run for some seconds."""

    seconds: float

    def question(self, instance: int) -> str:
        return "its age"

    def remedy(self, role: str) -> str:
        return "wait"


def kinds(of: Any) -> Iterator[type[ProbeKind]]:
    for one in of.__subclasses__():
        if one.__module__ == probes.__name__:
            yield from kinds(one)
            if not one.__abstractmethods__:
                yield one


def test_every_kind_of_probe_has_a_check() -> None:
    assert CHECKS.keys() == {*kinds(ProbeKind)}
    assert len(CHECKS) == len(KINDS)


def test_a_new_kind_is_asked_by_its_check(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(value: Exec) -> OldEnough:
        return OldEnough(float(value.command[0]))

    async def check(checks: Checks, query: Query) -> Result:
        kind = query.probe.kind
        assert isinstance(kind, OldEnough)
        age = world.clock.now - query.process.started_at
        return Result(age >= kind.seconds, f"it is {age:.0f} s old")

    new: type[ProbeKind] = OldEnough
    monkeypatch.setattr(probes, "KINDS", {**KINDS, "exec": made})
    monkeypatch.setitem(CHECKS, new, check)
    world.begin()
    world.declare(app_of(readinessProbe={"exec": {"command": ["20"]}, "periodSeconds": 1}))
    world.run_for(15)
    (process,) = world.controller.processes("web")
    assert not process.ready
    assert (
        process.unready_reason.startswith("readiness probe failed: it is ")
        and "s old" in process.unready_reason
    )
    world.run_for(7)
    (process,) = world.controller.processes("web")
    assert process.ready
