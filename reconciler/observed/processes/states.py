"""States without an event: a process is frozen, its program was replaced on disk; its usage."""

from __future__ import annotations

from typing import Any

from reconciler.model.state.observed import RunState
from reconciler.observed.host.samples import at_rest, sample_of
from reconciler.observed.processes import executable
from reconciler.observed.processes.table import Group
from reconciler.system import procfs

STOPPED = ("T", "t")
"""Stopped by a signal, or by a debugger."""


def look(group: Group, proc: str = procfs.PROC) -> dict[str, Any]:
    """What changed in the main process's record since the last look; some 20 µs.

    What the instance uses is noted in ``group``: the line that tells it has been read anyway. A
    process that did nothing has the line that it had before.
    """
    process, used = group.process, group.used
    line = procfs.stat_line(process.id.pid, proc)
    seen, state = hash(line), process.state
    if line and group.line == seen and used is not None and not process.stragglers:
        group.used = at_rest(process, used)
    else:
        found = procfs.parsed(line)
        if found is None or found.start != process.id.start:
            return {}  # it has ended, which its pidfd tells
        group.used, group.line = sample_of(process, found, used, proc), seen
        state = RunState.FROZEN if found.state in STOPPED else RunState.RUNNING
    known, replaced = group.executable, False
    if known is None or procfs.link(process.id.pid, "exe", proc) != known.path:
        group.executable, replaced = executable.examine(process.id.pid, known, proc)
    changes: dict[str, Any] = {}
    # That it stops matters more than that it stands.
    if state is not process.state and process.state is not RunState.STOPPING:
        changes["state"] = state
    if replaced is not process.binary_replaced:
        changes["binary_replaced"] = replaced
    return changes
