"""What this host is, and what we may do on it: gathered once, a millisecond in all.

They are facts of the process that asks: its capabilities, limits, cgroup. A controller keeps what
it found at its start; give it more rights and start it again.
"""

from __future__ import annotations

import math
import os
import resource

from reconciler.model.host.facts import UNLIMITED, HostFacts, Rlimit
from reconciler.model.spec.privileges import CAPABILITIES
from reconciler.observed.host import cgroups
from reconciler.system import procfs
from reconciler.system.limits import RESOURCES
from reconciler.system.work import threads

_MOST_CPUS = 8192


def gather(proc: str = procfs.PROC) -> HostFacts:
    """The facts, for this very process."""
    capabilities = _capabilities(proc)
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    return HostFacts(
        uid=os.geteuid(),
        capabilities=capabilities,
        cpus=_cpus(),
        cores=_cores(proc),
        nice=nice,
        nice_floor=-20 if "SYS_NICE" in capabilities else min(nice, 20 - _nice_limit()),
        oom_score_adjust=_number(f"{proc}/self/oom_score_adj", 0),
        rlimits={field: _rlimit(limit.number) for field, limit in RESOURCES.items()},
        most_files=_number(f"{proc}/sys/fs/nr_open", 1 << 20),
        cgroups=cgroups.find(proc),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        most_processes=_most_processes(proc),
    )


def _most_processes(proc: str) -> int:
    """The smallest of: pids that there are, ulimit -u of an ordinary user, pids.max."""
    bounds = [_number(f"{proc}/sys/kernel/pid_max", 0), cgroups.most_processes() or 0]
    if os.geteuid() != 0:
        bounds.append(_rlimit(resource.RLIMIT_NPROC).soft)
    return min((bound for bound in bounds if bound > 0), default=0)


def _capabilities(proc: str) -> frozenset[str]:
    try:
        with open(f"{proc}/self/status", encoding="ascii", errors="replace") as file:
            lines = dict(line.partition(":")[::2] for line in file)
        held = int(lines["CapEff"], 16)
    except (OSError, KeyError, ValueError):
        return frozenset()
    numbers = (number for number in range(held.bit_length()) if held >> number & 1)
    return frozenset(CAPABILITIES[n] if n < len(CAPABILITIES) else str(n) for n in numbers)


def _cpus() -> frozenset[int]:
    """What a process may be bound to at most, whatever we are bound to ourselves.

    The kernel cuts a wish down to what the host and our cpuset have; and to be bound is a matter
    of the thread, so one that ends thereafter may ask for all.
    """
    found: set[int] = set()

    def ask() -> None:
        try:
            os.sched_setaffinity(0, range(_MOST_CPUS))
        except OSError:
            pass  # a sandbox forbids it: what we have is what there is
        found.update(os.sched_getaffinity(0))

    try:
        threads.start(ask).join()
    except OSError:  # no more threads just now
        return frozenset(os.sched_getaffinity(0))
    return frozenset(found)


def _cores(proc: str) -> int:
    """A quota of one core and a half keeps two processes busy, so it counts as two."""
    bound = len(os.sched_getaffinity(0))
    quota = cgroups.cpu_quota(proc)
    return bound if quota is None else max(1, min(bound, math.ceil(quota)))


def _nice_limit() -> int:
    """RLIMIT_NICE: nice may go down to 20 less this (getrlimit(2))."""
    soft = resource.getrlimit(resource.RLIMIT_NICE)[0]
    return 40 if soft == resource.RLIM_INFINITY else soft


def _rlimit(number: int) -> Rlimit:
    soft, hard = resource.getrlimit(number)
    infinity = resource.RLIM_INFINITY
    return Rlimit(*(UNLIMITED if one == infinity else one for one in (soft, hard)))


def _number(path: str, otherwise: int) -> int:
    try:
        with open(path, encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return otherwise
