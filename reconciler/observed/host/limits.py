"""The limits that a live process has: the values of ``model.spec.limits``, read where anybody may
look.

Those of the main process speak for its instance. A program may set its workers apart (PostgreSQL
and nginx do), and that is its own affair; it is the limits of what recon started that recon keeps.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from reconciler.model.host.cgroup import directory_of
from reconciler.model.host.facts import CgroupFacts, HostFacts
from reconciler.model.spec.limits import NO_LIMIT, Value, format_cpu, format_cpus, in_cgroup
from reconciler.model.state.observed import Process, Tag
from reconciler.model.words import ioprio
from reconciler.system import procfs

_ROWS = {"openFiles": "Max open files", "coreSize": "Max core file size"}
_ROWS["processes"] = "Max processes"


def read(
    process: Process, fields: Iterable[str], cgroups: CgroupFacts, proc: str = procfs.PROC
) -> dict[str, Value]:
    """The values of these fields; one that cannot be read is missing, all where it has ended."""
    pid = process.id.pid
    found: dict[str, Value] = {}
    inside: bool | None = None
    for field in fields:
        if in_cgroup(field, cgroups.controllers):
            if inside is None:
                inside = is_inside(pid, process.tag, cgroups, proc)
            directory = directory_of(cgroups.base, process.tag)
            value = _FILES[field](directory) if inside else NO_LIMIT
        elif field in _ROWS:
            value = _rlimit(pid, field, proc)
        else:
            value = _attribute(pid, field, proc)
        if value is not None:
            found[field] = value
    now = procfs.stat(pid, proc)
    return found if now is not None and now.start == process.id.start else {}


def of_controller(facts: HostFacts, fields: Iterable[str]) -> dict[str, Value]:
    """What a process of ours has where no limit says otherwise: what it inherits."""
    found: dict[str, Value] = {}
    for field in fields:
        if in_cgroup(field, facts.cgroups.controllers):
            found[field] = NO_LIMIT
        elif field in facts.rlimits:
            soft, hard = facts.rlimits[field]
            found[field] = _pair(field, str(soft), str(hard))
        elif field == "cpuAffinity":
            found[field] = format_cpus(os.sched_getaffinity(0))
        else:
            value = _attribute(os.getpid(), field, procfs.PROC)
            if value is not None:
                found[field] = value
    return found


def is_inside(pid: int, tag: Tag, cgroups: CgroupFacts, proc: str = procfs.PROC) -> bool:
    """Whether a process is in its instance's cgroup, or in one that the program made below it."""
    if not cgroups.base:
        return False
    return f"{procfs.cgroup(pid, proc)}/".startswith(f"{directory_of(cgroups.path, tag)}/")


def _memory(directory: str) -> Value | None:
    text = _word(f"{directory}/memory.max")
    return int(text) if text.isdecimal() else NO_LIMIT if text == NO_LIMIT else None


def _cpu(directory: str) -> Value | None:
    quota, _, period = _word(f"{directory}/cpu.max").partition(" ")
    if quota == NO_LIMIT:
        return NO_LIMIT
    if not quota.isdecimal() or not period.isdecimal():
        return None
    return format_cpu(round(int(quota) * 1000 / int(period)))


def _pids(directory: str) -> Value | None:
    text = _word(f"{directory}/pids.max")
    return int(text) if text.isdecimal() else NO_LIMIT if text == NO_LIMIT else None


_FILES: dict[str, Callable[[str], Value | None]] = {
    "memoryHard": _memory,
    "cpu": _cpu,
    "processes": _pids,
}


def _rlimit(pid: int, field: str, proc: str) -> Value | None:
    """A row of proc_pid_limits(5): name, soft, hard, unit; readable by everybody."""
    for line in procfs.lines(pid, "limits", proc):
        if line.startswith(_ROWS[field]):
            soft, hard = line[len(_ROWS[field]) :].split()[:2]
            return _pair(field, soft, hard)
    return None


def _pair(field: str, soft: str, hard: str) -> Value:
    """One value where both are the same; ``unlimited`` is no limit."""
    left, right = (_limit(field, text) for text in (soft, hard))
    return left if left == right else f"{left}:{right}"


def _limit(field: str, text: str) -> Value:
    if text in ("unlimited", "-1"):
        return NO_LIMIT if field == "processes" else "unlimited"
    return int(text)


def _attribute(pid: int, field: str, proc: str) -> Value | None:
    try:
        match field:
            case "nice":
                fields = procfs.stat_fields(pid, proc)
                return int(fields[16]) if len(fields) > 16 else None
            case "oomScoreAdjust":
                lines = procfs.lines(pid, "oom_score_adj", proc)
                return int(lines[0]) if lines else None
            case "cpuAffinity":
                return format_cpus(os.sched_getaffinity(pid))
            case "ioPriority":
                return _io_priority(pid)
    except OSError:  # it has ended, or a sandbox keeps it from us
        pass
    return None


def _io_priority(pid: int) -> str | None:
    import psutil  # noqa: PLC0415  only those pay for it who declare it

    try:
        return ioprio.told(*psutil.Process(pid).ionice())
    except psutil.Error:  # as above
        return None


def _word(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:
        return ""
