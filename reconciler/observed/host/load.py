"""The resources that apps use and that the host has left, when a count of instances rises.

Never on the way of a crash or of a pass without an edit: some 20 µs for each process looked at,
and no more than a few of each app are, for instances of one app are alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from reconciler.model.host.facts import UNLIMITED, HostFacts
from reconciler.model.host.load import Room, Use
from reconciler.model.state.observed import Process
from reconciler.observed.host import cgroups
from reconciler.observed.host.samples import PAGE
from reconciler.system import procfs

SETTLED = 20.0
"""Seconds after its start a program is taken to use what it will use."""
_LOOKED_AT = 16


def uses(
    processes: Iterable[Process], wanted: Mapping[str, int], now: float, proc: str = procfs.PROC
) -> dict[str, Use]:
    """By app that runs. Only where ``wanted`` is more than have settled, they are looked at."""
    apps: dict[str, list[Process]] = {}
    for process in processes:
        apps.setdefault(process.tag.app, []).append(process)
    found = {}
    for name, group in apps.items():
        settled = sum(now - process.started_at >= SETTLED for process in group)
        lacks = settled < wanted.get(name, 0)
        found[name] = use_of(group, now, proc) if lacks else Use(len(group))
    return found


def use_of(processes: Iterable[Process], now: float, proc: str = procfs.PROC) -> Use:
    """What the instances of one app use. ``now``: boot seconds."""
    settled: list[Process] = []
    young: list[Process] = []
    for process in processes:
        (settled if now - process.started_at >= SETTLED else young).append(process)
    memory, tasks = _mean(settled, proc)
    return Use(len(settled), len(young), memory, tasks, *_mean(young, proc))


def room(facts: HostFacts, running: int, proc: str = procfs.PROC) -> Room:
    """What the host has left. ``running``: how many processes of ours there are."""
    free = [_free_memory(proc), cgroups.free_memory(proc)]
    tasks = [cgroups.free_processes(proc), _free_pids(proc)]
    users = facts.rlimits.get("processes")
    if not facts.is_root and users is not None and users.soft != UNLIMITED:
        tasks.append(max(0, users.soft - running))
    files = facts.rlimits.get("openFiles")
    return Room(
        min((one for one in free if one is not None), default=None),
        min((one for one in tasks if one is not None), default=None),
        files.hard if files is not None and files.hard != UNLIMITED else None,
    )


def _mean(processes: Sequence[Process], proc: str) -> tuple[int, int]:
    """(bytes, tasks) of one of these on average; (0, 0) where there is none."""
    step = max(1, len(processes) // _LOOKED_AT)
    memory = tasks = count = 0
    for process in islice(processes[::step], _LOOKED_AT):
        ids = (process.id, *process.stragglers)
        found = [one for id in ids if (one := procfs.weight(id.pid, proc)) is not None]
        count += bool(found)
        memory += sum(one.private for one in found) * PAGE
        tasks += sum(one.threads for one in found)
    return (memory // count, -(-tasks // count)) if count else (0, 0)


def _free_memory(proc: str) -> int | None:
    """What programs can still have without harm to others: MemAvailable and free swap, proc(5)."""
    sizes: Mapping[bytes, int] = {
        name: int(rest.split()[0]) * 1024
        for line in procfs.head(f"{proc}/meminfo", procfs.BLOCK).splitlines()
        for name, _, rest in [line.partition(b":")]
        if name in (b"MemAvailable", b"SwapFree") and rest.split()[:1]
    }
    if b"MemAvailable" not in sizes:
        return None
    return sizes[b"MemAvailable"] + sizes.get(b"SwapFree", 0)


def _free_pids(proc: str) -> int | None:
    """Of kernel.pid_max, less all tasks of the host (``loadavg``, proc(5))."""
    most = procfs.head(f"{proc}/sys/kernel/pid_max", 64)
    load = procfs.head(f"{proc}/loadavg", 256).split()
    try:
        return max(0, int(most) - int(load[3].partition(b"/")[2]))
    except (ValueError, IndexError):
        return None
