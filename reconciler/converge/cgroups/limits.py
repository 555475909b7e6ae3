"""Limits are put in force on a live process: at its birth, before its program's first instruction
(``gate``), and in place, by this one code.

Of each field that could not be put in force a sentence is returned, with what would help; nothing
is passed over. The kernel keeps nice, I/O priority and affinity for each thread, and children
inherit what their parent had when they were forked: so a change goes to every thread of every
process of the instance, and is repeated for those that were forked meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
from collections.abc import Callable, Iterable, Mapping
from functools import partial

from reconciler.converge.cgroups.cgroup import Cgroups
from reconciler.model.spec.limits import NO_LIMIT, Value, in_cgroup, parse_cpus
from reconciler.model.state.observed import ProcessId, Tag
from reconciler.model.words import ioprio

Members = Callable[[], Iterable[ProcessId]]
"""Every process of an instance, as of this moment; the main one first."""

_RLIMITS = {
    "openFiles": resource.RLIMIT_NOFILE,
    "coreSize": resource.RLIMIT_CORE,
    "processes": resource.RLIMIT_NPROC,
}
_ROUNDS = 5
"""Looks for processes that were forked meanwhile: one that forks faster has a limit for that."""
_RESTART = "`recon restart` gives it to new processes"
_WHY = {
    "openFiles": f"to raise a hard limit takes CAP_SYS_RESOURCE; {_RESTART}",
    "coreSize": f"to raise a hard limit takes CAP_SYS_RESOURCE; {_RESTART}",
    "processes": f"to raise a hard limit takes CAP_SYS_RESOURCE; {_RESTART}",
    "nice": f"to lower it takes CAP_SYS_NICE; {_RESTART}",
    "oomScoreAdjust": f"to lower it takes CAP_SYS_RESOURCE; {_RESTART}",
    "ioPriority": f"it takes CAP_SYS_NICE; {_RESTART}",
    "cpuAffinity": "the process is another user's; it takes CAP_SYS_NICE",
}


def apply(
    tag: Tag, members: Members, values: Mapping[str, Value], cgroups: Cgroups
) -> dict[str, str]:
    """Put these values in force on an instance; by field, why that was not possible."""
    grouped = {f: v for f, v in values.items() if in_cgroup(f, cgroups.facts.controllers)}
    single = {field: value for field, value in values.items() if field not in grouped}
    refused: dict[str, str] = {}
    for field, value in grouped.items():
        _try(refused, field, partial(cgroups.limit, tag, field, value), gone=())
    done: set[ProcessId] = set()
    for _ in range(_ROUNDS):
        fresh = [id for id in members() if id not in done]
        inside = {*cgroups.members(tag)} if grouped else set()
        for id in fresh:
            for field in [*grouped][:1] if id.pid not in inside else ():
                _try(refused, field, partial(cgroups.enter, tag, id.pid))
            told: dict[str, str] = {}
            for field, value in single.items():
                _try(told, field, partial(_SET[field], id.pid, field, value))
            if not done:  # what a worker of another user refuses is no fault of the main process
                refused |= told
            done.add(id)
        if not fresh:
            break
    return refused


def _try(
    refused: dict[str, str],
    field: str,
    call: Callable[[], object],
    gone: tuple[type[OSError], ...] = (ProcessLookupError, FileNotFoundError),
) -> None:
    """``gone``: that the process has ended, and needs no limit any more."""
    try:
        call()
    except gone:
        pass
    except ValueError as error:
        refused[field] = str(error)
    except OSError as error:
        forbidden = error.errno in (errno.EPERM, errno.EACCES)
        told = _WHY.get(field, "recon may not write to its cgroup") if forbidden else ""
        refused[field] = told or f"{error.strerror} ({error.filename or 'the kernel says'})"


def _threads(pid: int) -> list[int]:
    try:
        return [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except FileNotFoundError:
        return []


def _each_thread(pid: int, call: Callable[[int], None]) -> None:
    for tid in _threads(pid):
        with contextlib.suppress(ProcessLookupError):
            call(tid)


def _set_rlimit(pid: int, field: str, value: Value) -> None:
    soft, _, hard = str(value).partition(":")
    pair = (_number(soft), _number(hard or soft))
    resource.prlimit(pid, _RLIMITS[field], pair)


def _number(text: str) -> int:
    return resource.RLIM_INFINITY if text in ("unlimited", NO_LIMIT) else int(text)


def _set_nice(pid: int, _: str, value: Value) -> None:
    """Also of its autogroup, if the kernel makes such (sched(7)): each session is one, and nice
    weighs only within it. That counts where no cpu controller comes before it."""
    nice = int(value)
    _each_thread(pid, lambda tid: os.setpriority(os.PRIO_PROCESS, tid, nice))
    with contextlib.suppress(OSError):
        _write(f"/proc/{pid}/autogroup", str(nice))


def _set_oom(pid: int, _: str, value: Value) -> None:
    _write(f"/proc/{pid}/oom_score_adj", str(value))


def _set_affinity(pid: int, _: str, value: Value) -> None:
    cpus = parse_cpus(str(value))
    _each_thread(pid, lambda tid: os.sched_setaffinity(tid, cpus))


def _set_io(pid: int, _: str, value: Value) -> None:
    import psutil  # noqa: PLC0415  only those pay for it who declare it

    def of_thread(tid: int) -> None:
        try:
            psutil.Process(tid).ionice(*ioprio.parse(str(value)))
        except psutil.NoSuchProcess:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH)) from None
        except psutil.AccessDenied:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM)) from None

    _each_thread(pid, of_thread)


_SET: dict[str, Callable[[int, str, Value], None]] = {
    **dict.fromkeys(_RLIMITS, _set_rlimit),
    "nice": _set_nice,
    "oomScoreAdjust": _set_oom,
    "cpuAffinity": _set_affinity,
    "ioPriority": _set_io,
}


def _write(path: str, text: str) -> None:
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)
