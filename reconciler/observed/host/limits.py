"""The limits that a live process has, as values of ``model.spec.limits``.

Those of the main process stand for its instance. A program may give its workers others (PostgreSQL
and nginx do). recon keeps the limits of what it started itself.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

from reconciler.model.host.cgroup import directory_of
from reconciler.model.host.facts import CgroupFacts, HostFacts
from reconciler.model.spec.limits import NO_LIMIT, Value, in_cgroup
from reconciler.model.state.observed import Process, Tag
from reconciler.system import procfs
from reconciler.system.limits import OF_CGROUPS, OF_PROCESSES, RESOURCES


def read(
    process: Process, fields: Iterable[str], cgroups: CgroupFacts, proc: str = procfs.PROC
) -> dict[str, Value]:
    """The values of these fields; without those that cannot be read, and empty where the process
    has ended."""
    pid = process.id.pid
    found: dict[str, Value] = {}
    inside: bool | None = None
    for field in fields:
        if in_cgroup(field, cgroups.controllers):
            if inside is None:
                inside = is_inside(pid, process.tag, cgroups, proc)
            directory = directory_of(cgroups.base, process.tag)
            value = OF_CGROUPS[field].read(directory) if inside else NO_LIMIT
        else:
            value = _of_process(pid, field, proc)
        if value is not None:
            found[field] = value
    now = procfs.stat(pid, proc)
    return found if now is not None and now.start == process.id.start else {}


def of_controller(facts: HostFacts, fields: Iterable[str]) -> dict[str, Value]:
    """The limits that a process inherits from recon."""
    found: dict[str, Value] = {}
    for field in fields:
        if in_cgroup(field, facts.cgroups.controllers):
            found[field] = NO_LIMIT
        elif field in facts.rlimits:
            found[field] = RESOURCES[field].pair(*facts.rlimits[field])
        else:
            value = _of_process(os.getpid(), field, procfs.PROC)
            if value is not None:
                found[field] = value
    return found


def _of_process(pid: int, field: str, proc: str) -> Value | None:
    limit = OF_PROCESSES.get(field)
    try:
        return limit.read(pid, proc) if limit is not None else None
    except OSError:  # it has ended, or a sandbox keeps it from us
        return None


def is_inside(pid: int, tag: Tag, cgroups: CgroupFacts, proc: str = procfs.PROC) -> bool:
    """Whether a process is in its instance's cgroup, or in one that the program made below it."""
    if not cgroups.base:
        return False
    return f"{procfs.cgroup(pid, proc)}/".startswith(f"{directory_of(cgroups.path, tag)}/")
