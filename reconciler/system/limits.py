"""Limits that the kernel keeps: how each is read, put in force, and why that is refused.

Two tables by field of ``limits``. ``OF_PROCESSES``: kept for each process (nice, I/O priority and
affinity for each thread), and inherited by its children. ``OF_CGROUPS``: kept for all processes of
an instance together. `processes` is in both, since not every host has the pids controller. What a
value looks like is told in ``model.spec.limits``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from reconciler.model.spec.limits import NO_LIMIT, Value, format_cpu, format_cpus, parse_cpus
from reconciler.system import procfs
from reconciler.system.procfs import PROC

_IO_CLASSES = ("none", "realtime", "best-effort", "idle")
"""By number, as ioprio_set(2) and psutil have them. ``none``: it follows from nice."""
_PERIOD = 100_000
"""Microseconds over which the quota of cpu.max counts: the kernel's default."""


class ProcessLimit(ABC):
    """One limit of a process."""

    foreign: ClassVar[str]
    """The capability that it takes to set it on another user's process; empty: none."""
    refusal: ClassVar[str]
    """What it takes where the kernel refuses it."""
    start_helps: ClassVar[bool] = True
    """A process that is to be started can have it nevertheless."""

    @abstractmethod
    def read(self, pid: int, proc: str = PROC) -> Value | None:
        """The value that a process has; None, or OSError, where that is not known."""

    @abstractmethod
    def set(self, pid: int, value: Value) -> None:
        """Put a value in force. OSError."""


@dataclass(frozen=True, slots=True)
class ResourceLimit(ProcessLimit):
    """A resource limit of getrlimit(2)."""

    number: int
    row: str
    """Its name in proc_pid_limits(5)."""
    unit: str = ""
    """What it counts, where that must be said: `` bytes``."""
    setting: str = ""
    """What systemd calls it: ``LimitNOFILE``."""
    flag: str = ""
    """ulimit's, for the hard limit."""
    unlimited: Value = "unlimited"
    foreign = "SYS_RESOURCE"
    refusal = "raising a hard limit needs CAP_SYS_RESOURCE"

    def read(self, pid: int, proc: str = PROC) -> Value | None:
        """A row: name, soft, hard, unit; readable by everybody."""
        for line in procfs.lines(pid, "limits", proc):
            if line.startswith(self.row):
                soft, hard = line[len(self.row) :].split()[:2]
                return self.pair(soft, hard)
        return None

    def pair(self, soft: int | str, hard: int | str) -> Value:
        """One value where both are the same; -1 or ``unlimited`` is not a limit."""
        left, right = (
            self.unlimited if str(one) in ("unlimited", "-1") else int(one) for one in (soft, hard)
        )
        return left if left == right else f"{left}:{right}"

    def set(self, pid: int, value: Value) -> None:
        soft, _, hard = str(value).partition(":")
        resource.prlimit(pid, self.number, (_number(soft), _number(hard or soft)))


class _Nice(ProcessLimit):
    foreign = "SYS_NICE"
    refusal = "lowering it needs CAP_SYS_NICE"

    def read(self, pid: int, proc: str = PROC) -> Value | None:
        fields = procfs.stat_fields(pid, proc)
        return int(fields[16]) if len(fields) > 16 else None

    def set(self, pid: int, value: Value) -> None:
        """Also of its autogroup, if the kernel makes such (sched(7)): each session is one, and nice
        weighs only within it. That counts where no cpu controller comes before it."""
        nice = int(value)
        _each_thread(pid, lambda tid: os.setpriority(os.PRIO_PROCESS, tid, nice))
        with contextlib.suppress(OSError):
            procfs.write(f"/proc/{pid}/autogroup", str(nice))


class _OomScore(ProcessLimit):
    foreign = ""
    refusal = "lowering it needs CAP_SYS_RESOURCE"

    def read(self, pid: int, proc: str = PROC) -> Value | None:
        lines = procfs.lines(pid, "oom_score_adj", proc)
        return int(lines[0]) if lines else None

    def set(self, pid: int, value: Value) -> None:
        procfs.write(f"/proc/{pid}/oom_score_adj", str(value))


class _IoPriority(ProcessLimit):
    foreign = "SYS_NICE"
    refusal = "it needs CAP_SYS_NICE"

    def read(self, pid: int, proc: str = PROC) -> Value | None:
        import psutil  # noqa: PLC0415  only those pay for it who declare it

        try:
            kind, level = psutil.Process(pid).ionice()
        except psutil.Error:  # it has ended, or a sandbox keeps it from us
            return None
        name = _IO_CLASSES[kind]
        return name if name in ("none", "idle") else f"{name}:{level}"

    def set(self, pid: int, value: Value) -> None:
        import psutil  # noqa: PLC0415  as above

        name, _, level = str(value).partition(":")

        def of_thread(tid: int) -> None:
            try:
                psutil.Process(tid).ionice(_IO_CLASSES.index(name), int(level or 0))
            except psutil.NoSuchProcess:
                raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH)) from None
            except psutil.AccessDenied:
                raise PermissionError(errno.EPERM, os.strerror(errno.EPERM)) from None

        _each_thread(pid, of_thread)


class _Affinity(ProcessLimit):
    foreign = "SYS_NICE"
    refusal = "the process belongs to another user; this needs CAP_SYS_NICE"
    start_helps = False

    def read(self, pid: int, proc: str = PROC) -> Value | None:
        return format_cpus(os.sched_getaffinity(pid))

    def set(self, pid: int, value: Value) -> None:
        cpus = parse_cpus(str(value))
        _each_thread(pid, lambda tid: os.sched_setaffinity(tid, cpus))


OF_PROCESSES: Mapping[str, ProcessLimit] = {
    "openFiles": ResourceLimit(
        resource.RLIMIT_NOFILE, "Max open files", setting="LimitNOFILE", flag="-Hn"
    ),
    "coreSize": ResourceLimit(
        resource.RLIMIT_CORE, "Max core file size", " bytes", setting="LimitCORE", flag="-Hc"
    ),
    "processes": ResourceLimit(resource.RLIMIT_NPROC, "Max processes", unlimited=NO_LIMIT),
    "nice": _Nice(),
    "oomScoreAdjust": _OomScore(),
    "ioPriority": _IoPriority(),
    "cpuAffinity": _Affinity(),
}
RESOURCES: Mapping[str, ResourceLimit] = {
    field: one for field, one in OF_PROCESSES.items() if isinstance(one, ResourceLimit)
}


@dataclass(frozen=True, slots=True)
class CgroupLimit:
    """One limit of a cgroup, given by its directory. ``set`` raises OSError; ValueError, a
    sentence, where the kernel would end what runs."""

    read: Callable[[str], Value | None]
    set: Callable[[str, Value], None]


def _read_number(name: str) -> Callable[[str], Value | None]:
    def read(directory: str) -> Value | None:
        text = _word(f"{directory}/{name}")
        return int(text) if text.isdecimal() else NO_LIMIT if text == NO_LIMIT else None

    return read


def _set_memory(directory: str, value: Value) -> None:
    """To write less than is in use would have the kernel end the instance at once."""
    used = _word(f"{directory}/memory.current")
    if value != NO_LIMIT and used and int(used) > int(value):
        raise ValueError("it uses more than that now")
    procfs.write(f"{directory}/memory.max", str(value))
    for name, setting in (
        ("memory.swap.max", "0" if value != NO_LIMIT else NO_LIMIT),
        ("memory.oom.group", "1"),
    ):
        with contextlib.suppress(FileNotFoundError):  # no swap in this kernel; Linux before 4.19
            procfs.write(f"{directory}/{name}", setting)


def _read_cpu(directory: str) -> Value | None:
    quota, _, period = _word(f"{directory}/cpu.max").partition(" ")
    if quota == NO_LIMIT:
        return NO_LIMIT
    if not quota.isdecimal() or not period.isdecimal():
        return None
    return format_cpu(round(int(quota) * 1000 / int(period)))


def _set_cpu(directory: str, value: Value) -> None:
    quota = value if value == NO_LIMIT else round(float(value) * _PERIOD)
    procfs.write(f"{directory}/cpu.max", f"{quota} {_PERIOD}")


OF_CGROUPS: Mapping[str, CgroupLimit] = {
    "memoryHard": CgroupLimit(_read_number("memory.max"), _set_memory),
    "cpu": CgroupLimit(_read_cpu, _set_cpu),
    "processes": CgroupLimit(
        _read_number("pids.max"),
        lambda directory, value: procfs.write(f"{directory}/pids.max", str(value)),
    ),
}


def _number(text: str) -> int:
    return resource.RLIM_INFINITY if text in ("unlimited", NO_LIMIT) else int(text)


def _each_thread(pid: int, call: Callable[[int], None]) -> None:
    try:
        threads = [int(name) for name in os.listdir(f"/proc/{pid}/task")]
    except FileNotFoundError:
        return
    for tid in threads:
        with contextlib.suppress(ProcessLookupError):
            call(tid)


def _word(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except OSError:  # gone, or (ENODEV) being removed
        return ""
