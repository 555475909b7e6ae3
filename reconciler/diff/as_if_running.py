"""A directory of manifests as if it ran: what `apply --dry-run --base REV` compares with."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.diff.core.history import record
from reconciler.diff.core.situation import AppSituation, Moment
from reconciler.diff.jobs import runs
from reconciler.diff.rollout.progress import is_complete
from reconciler.model.state.desired import Desired, DesiredApp
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Observed, Process, ProcessId, Tag


def as_observed(base: Desired, now: float) -> tuple[Observed, Mapping[str, AppMemory]]:
    """Every instance that ``base`` declares, up and ready for long, and the memory of it."""
    processes: list[Process] = []
    memory: dict[str, AppMemory] = {}
    for app in base.apps.values():
        memory[app.name] = record(AppMemory(), app)
        if not isinstance(app, DesiredApp):
            memory[app.name] = runs.presumed(memory[app.name], now)
            continue
        of_app = [_process(app, number) for number in range(app.spec.wanted)]
        processes += of_app
        assert is_complete(AppSituation.of(app, of_app, memory[app.name], Moment(now)).replicas)
    return Observed(tuple(processes)), memory


def _process(app: DesiredApp, number: int) -> Process:
    long_ago = float("-inf")
    tag = Tag("base", app.name, number, app.hash, f"{app.name}-{number}")
    return Process(tag, ProcessId(0, 0), long_ago, ready_at=long_ago)
