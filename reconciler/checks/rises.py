"""Rises of the count of instances, judged by a look at the host as it is now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.diff import admission, load
from reconciler.model.host.facts import HostFacts
from reconciler.model.host.load import Verdicts
from reconciler.model.state.desired import Workload
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Process
from reconciler.observed.host.load import room, uses
from reconciler.system.clock import boot_now


def verdicts_on_rises(
    apps: Mapping[str, Workload],
    memory: Mapping[str, AppMemory],
    processes: Sequence[Process],
    facts: HostFacts,
    blank: AppMemory,
) -> Verdicts:
    """The verdicts where no controller runs, from one look at the host."""
    if not admission.rising(apps, memory, processes, blank):
        return {}
    return judged(apps, memory, processes, facts, blank)


def judged(
    apps: Mapping[str, Workload],
    memory: Mapping[str, AppMemory],
    processes: Sequence[Process],
    facts: HostFacts,
    blank: AppMemory,
) -> Verdicts:
    """All rises, judged together by a look at the host as it is now."""
    most = load.most_at_once(apps, memory, blank)
    found = uses(processes, most, boot_now())
    return load.verdicts(apps, memory, found, room(facts, len(processes)), blank=blank)
