"""Facts about the host, and about what recon may do on it: plain data, the same for every app.

``observed.host.facts`` gathers them, ``checks.enforceable`` judges manifests by them. A command
line asks a running controller for its facts, because they are the controller's: another shell has
other capabilities, limits and cgroups.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from reconciler.model.words.sentence import Sentence

UNLIMITED = -1
"""Of a resource limit: none (RLIM_INFINITY)."""


class Rlimit(NamedTuple):
    """A resource limit of getrlimit(2). ``UNLIMITED`` where there is none."""

    soft: int
    hard: int


_UNSEEN = Sentence("the host was not looked at")


@dataclass(frozen=True, slots=True)
class CgroupFacts:
    """What of cgroup v2 recon may use."""

    base: str = ""
    """The directory below which it may make cgroups of its own; empty: nowhere."""
    why: Sentence | None = _UNSEEN
    """Where ``base`` is empty: why, and what would make it possible."""
    controllers: frozenset[str] = frozenset()
    """Those that can be used below ``base``: ``memory``, ``cpu``, ``pids``, …"""
    missing: Mapping[str, Sentence] = field(default_factory=dict)
    """By controller that cannot: why, and what would make it possible."""
    has_kill: bool = False
    """``cgroup.kill`` is there (Linux ≥ 5.14)."""
    path: str = ""
    """``base`` as ``/proc/PID/cgroup`` names it."""


@dataclass(frozen=True, slots=True)
class HostFacts:
    """What a manifest may ask for here."""

    uid: int = 0
    """The effective user id that recon runs as."""
    capabilities: frozenset[str] = frozenset()
    """In effect, without ``CAP_``: ``SYS_RESOURCE``. Numbers where the name is not known."""
    cpus: frozenset[int] = frozenset()
    """Processors that a process may be bound to."""
    cores: int = 1
    """How many recon may keep busy: those it is bound to, or fewer by a quota (`cpu.max`)."""
    nice: int = 0
    """recon's own, which its children inherit."""
    nice_floor: int = 0
    """The lowest nice value that recon may give to a process of its own user."""
    oom_score_adjust: int = 0
    """recon's own, which its children inherit."""
    rlimits: Mapping[str, Rlimit] = field(default_factory=dict)
    """By field of ``limits``: ``openFiles``, ``coreSize``, ``processes``."""
    most_files: int = 1 << 20
    """No process may have more open files (fs.nr_open)."""
    cgroups: CgroupFacts = CgroupFacts()
    memory: int = 0
    """Bytes of memory that the host has; 0: not known."""
    most_processes: int = 0
    """Processes that recon and all its programs may have; 0: not known."""

    @property
    def is_root(self) -> bool:
        return self.uid == 0

    def may(self, capability: str) -> bool:
        """Whether recon has a capability, named without ``CAP_``."""
        return capability in self.capabilities


def to_document(facts: HostFacts) -> dict[str, Any]:
    """As JSON data, for the API."""
    data = asdict(facts)
    data["capabilities"] = sorted(facts.capabilities)
    data["cpus"] = sorted(facts.cpus)
    data["rlimits"] = {name: [*limit] for name, limit in facts.rlimits.items()}
    data["cgroups"]["controllers"] = sorted(facts.cgroups.controllers)
    return data


def from_document(data: Mapping[str, Any]) -> HostFacts:
    """The other way, without what a newer release has added. ValueError where it is not one."""
    facts: HostFacts = TypeAdapter(HostFacts).validate_python(data)
    return facts
