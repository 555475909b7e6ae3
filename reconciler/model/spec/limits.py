"""Limits of an instance: what a manifest may say, and the values that are compared with it.

All limits are applied in place. recon itself watches over ``memory`` (``diff.rollout.eviction``),
the kernel over the others. A *value* of those is plain data that means the same wherever it comes
from: ``wanted`` makes it of a manifest, ``observed.host.limits`` reads it from a live process,
``converge.cgroups.limits`` puts it in force, both by the table in ``system.limits``. So whether a
limit holds is one comparison.

==============  =====================================  =======================================
field           value                                  in force by
==============  =====================================  =======================================
memoryHard      bytes, or ``max``                      cgroup: memory.max
cpu             ``1.5`` processors, or ``max``         cgroup: cpu.max
processes       number, or ``max``                     cgroup: pids.max, else RLIMIT_NPROC
openFiles       number; ``soft:hard`` if they differ   RLIMIT_NOFILE
coreSize        bytes or ``unlimited``; as above       RLIMIT_CORE
nice            -20 to 19                              setpriority(2)
oomScoreAdjust  -1000 to 1000                          /proc/PID/oom_score_adj
ioPriority      ``best-effort:4``, ``idle``, …         ioprio_set(2)
cpuAffinity     ``0-3,5``                              sched_setaffinity(2)
==============  =====================================  =======================================
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from reconciler.model.spec.base import Manifest
from reconciler.model.words.quantity import format_size, parse_size
from reconciler.model.words.sentence import InvalidValue
from reconciler.model.words.values import Whole

Value = int | str
NO_LIMIT = "max"
"""What a cgroup's file has where there is no limit."""
CONTROLLERS = {"memoryHard": "memory", "cpu": "cpu", "processes": "pids"}
"""By field, the cgroup controller that puts it in force."""
_PAGE = 4096
_LEAST_MEMORY = 1 << 20
_MOST_CPUS = 8192
_CPU = re.compile(r"([0-9]{1,4})(?:\.([0-9]{1,3}))?")
_MILLICPU = re.compile(r"([0-9]{1,7})m")
_RANGE = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5}))?")
_IO_PRIORITY = re.compile(r"(realtime|best-effort)(?::([0-7]))?|idle|none")
_DEFAULT_LEVEL = 4


def _memory(value: Any) -> int:
    size = parse_size(value)
    if size < _LEAST_MEMORY:
        raise InvalidValue(f"{value!r} is too little for any program", "write at least 1Mi")
    return size // _PAGE * _PAGE  # as the kernel rounds it


def _cpu(value: Any) -> str:
    """Kubernetes' quantity: ``1.5``, or ``1500m``."""
    text = str(value).strip()
    match, milli = _CPU.fullmatch(text), _MILLICPU.fullmatch(text)
    if isinstance(value, bool) or not (match or milli):
        raise InvalidValue(f"{value!r} is not a valid CPU quantity", "write e.g. 0.5, 2 or 500m")
    thousandths = int(milli[1]) if milli else 0
    if match:
        thousandths = int(match[1]) * 1000 + int((match[2] or "").ljust(3, "0"))
    if not 10 <= thousandths <= _MOST_CPUS * 1000:
        raise ValueError(f"{value!r} must be at least 0.01 and at most {_MOST_CPUS} processors")
    return format_cpu(thousandths)


def format_cpu(thousandths: int) -> str:
    """``1500`` as ``1.5``."""
    whole, rest = divmod(thousandths, 1000)
    return f"{whole}.{rest:03}".rstrip("0").rstrip(".")


def _core_size(value: Any) -> Value:
    return value if value == "unlimited" else parse_size(value)


def _io_priority(value: Any) -> str:
    """The classes of ionice(1) and of systemd's IOSchedulingClass, and a level."""
    match = _IO_PRIORITY.fullmatch(str(value))
    if match is None or match[0] == "none":
        raise InvalidValue(
            f"{value!r} is not a valid I/O priority",
            "write idle, best-effort:0 to best-effort:7 (0 is the"
            " first to be served), or realtime:0 to realtime:7",
        )
    if match[1] is None:
        return match[0]
    return f"{match[1]}:{match[2] or _DEFAULT_LEVEL}"


def _cpu_list(value: Any) -> str:
    """The kernel's list format (cpuset(7)), canonical; or a list of numbers."""
    text = ",".join(map(str, value)) if isinstance(value, list) else str(value)
    try:
        return format_cpus(parse_cpus(text))
    except ValueError:
        raise InvalidValue(f"{value!r} is not a valid CPU list", "write e.g. 0-3,5") from None


def parse_cpus(text: str) -> frozenset[int]:
    """The numbers in ``0-3,5``. ValueError where it is none."""
    found: set[int] = set()
    for part in text.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            raise ValueError(text)
        first, last = int(match[1]), int(match[2] or match[1])
        if not first <= last < _MOST_CPUS:
            raise ValueError(text)
        found.update(range(first, last + 1))
    return frozenset(found)


def format_cpus(numbers: Iterable[int]) -> str:
    """``{0, 1, 2, 5}`` as ``0-2,5``."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and number == parts[-1][-1] + 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return ",".join(f"{p[0]}-{p[-1]}" if len(p) > 1 else str(p[0]) for p in parts)


Memory = Annotated[int, BeforeValidator(_memory, json_schema_input_type=int | str)]
Cpu = Annotated[str, BeforeValidator(_cpu, json_schema_input_type=float | str)]
CoreSize = Annotated[int | str, BeforeValidator(_core_size, json_schema_input_type=int | str)]
IoPriority = Annotated[str, BeforeValidator(_io_priority)]
CpuList = Annotated[str, BeforeValidator(_cpu_list, json_schema_input_type=str | int | list[int])]


class Limits(Manifest):
    """What one instance may use: its main process and all that this forks."""

    memory: Memory | None = Field(
        None, description="resident memory above which the instance is replaced, gracefully"
    )
    memory_hard: Memory | None = Field(
        None,
        description="memory above which the kernel kills the instance (cgroup memory.max, no swap)",
    )
    cpu: Cpu | None = Field(None, description="processors, e.g. 1.5 or 500m (cgroup cpu.max)")
    processes: Whole | None = Field(
        None, ge=1, le=4_194_304, description="processes and threads (cgroup pids.max)"
    )
    open_files: Whole | None = Field(
        None, ge=8, le=2**31 - 1, description="open files of each process (RLIMIT_NOFILE)"
    )
    core_size: CoreSize | None = Field(
        None, description="largest core dump, a size or unlimited (RLIMIT_CORE)"
    )
    nice: Whole | None = Field(None, ge=-20, le=19, description="-20 (first) to 19 (last)")
    oom_score_adjust: Whole | None = Field(
        None,
        ge=-1000,
        le=1000,
        description="how likely the kernel kills an instance when memory runs out, -1000 to 1000",
    )
    io_priority: IoPriority | None = Field(
        None, description="idle, best-effort:0 to 7, realtime:0 to 7 (ionice)"
    )
    cpu_affinity: CpuList | None = Field(
        None, description="the processors that an instance may run on, e.g. 0-3,5"
    )

    @model_validator(mode="after")
    def _soft_below_hard(self) -> Limits:
        if self.memory and self.memory_hard and self.memory > self.memory_hard:
            soft, hard = format_size(self.memory), format_size(self.memory_hard)
            raise InvalidValue(
                f"memory ({soft}) is above memoryHard ({hard}): the kernel would kill the"
                " instance before recon replaces it",
                "lower it",
            )
        return self


def wanted(limits: Limits) -> dict[str, Value]:
    """The value of each limit that is declared and kept by the kernel, by field."""
    if not limits.model_fields_set:
        return {}
    # `memory` is kept by us: who outgrows it is replaced.
    return limits.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"memory"})


def shown(field: str, value: Value) -> str:
    """A value as people read it."""
    if isinstance(value, int) and field in ("memoryHard", "coreSize"):
        return format_size(value)
    return "no limit" if value == NO_LIMIT else str(value)


def in_cgroup(field: str, controllers: Iterable[str]) -> bool:
    """Whether a field is put in force by the instance's cgroup, where these can be used."""
    return CONTROLLERS.get(field) in set(controllers)


__all__ = ["CONTROLLERS", "NO_LIMIT", "Limits", "Value", "format_cpu", "format_cpus"]
__all__ += ["in_cgroup", "parse_cpus", "shown", "wanted"]
