"""States without an event: a process is frozen, its program was replaced on disk; its usage."""

from __future__ import annotations

from typing import Any

from reconciler.model.state.observed import RunState
from reconciler.observed.host.samples import sample_of
from reconciler.observed.processes import executable
from reconciler.observed.processes.table import Group
from reconciler.system import procfs

STOPPED = ("T", "t")
"""Stopped by a signal, or by a debugger."""


def look(group: Group, proc: str = procfs.PROC) -> dict[str, Any]:
    """What changed in the main process's record since the last look; some 20 µs.

    What the instance uses is noted in ``group``: the line that tells it has been read anyway.
    """
    process = group.process
    found = procfs.stat(process.id.pid, proc)
    if found is None or found.start != process.id.start:
        return {}  # it has ended, which its pidfd tells
    group.used = sample_of(process, found, group.used, proc)
    verdict = executable.examine(process.id.pid, group.executable, proc)
    group.executable = verdict.known
    changes: dict[str, Any] = {}
    if process.state is not RunState.STOPPING:  # that it stops matters more than that it stands
        state = RunState.FROZEN if found.state in STOPPED else RunState.RUNNING
        if state is not process.state:
            changes["state"] = state
    if verdict.replaced is not process.binary_replaced:
        changes["binary_replaced"] = verdict.replaced
    return changes
