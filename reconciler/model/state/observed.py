"""Observed state: the processes of the apps, and how earlier ones exited."""

from __future__ import annotations

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from reconciler.model.spec.limits import Value
from reconciler.model.words.nothing import nothing


class Tag(NamedTuple):
    """The label of a process of an app: ``RECON_ID=<store>/<app>/<instance>/<hash>/<nonce>``.

    ``store`` names the state directory whose controller owns it; ``nonce`` differs by process.
    """

    store: str
    app: str
    instance: int
    hash: str
    nonce: str

    def __str__(self) -> str:
        return f"{self.store}/{self.app}/{self.instance}/{self.hash}/{self.nonce}"

    @classmethod
    def parse(cls, text: str) -> Tag | None:
        """The tag in ``text``, or None where it is none."""
        parts = text.split("/")
        if len(parts) != 5 or not parts[2].isascii() or not parts[2].isdigit() or not all(parts):
            return None
        return cls(parts[0], parts[1], int(parts[2]), parts[3], parts[4])


class ProcessId(NamedTuple):
    """A process for certain: pids are reused, (pid, start) within one boot is not."""

    pid: int
    start: int
    """Clock ticks since boot, field 22 of ``/proc/PID/stat``."""


class RunState(StrEnum):
    RUNNING = "running"
    FROZEN = "frozen"
    STOPPING = "stopping"


class DriftKind(StrEnum):
    """A kind of difference between running and declared (``diff.status.drift``)."""

    MISSING = "Missing"
    EXTRA = "Extra"
    OUTDATED = "Outdated"
    ORPHAN = "Orphan"
    IN_PLACE = "InPlace"
    FROZEN = "Frozen"
    OUTGROWN = "Outgrown"
    UNHEALTHY = "Unhealthy"
    BINARY = "Binary"
    PORT_CONFLICT = "PortConflict"


@dataclass(frozen=True, slots=True)
class Process:
    """A running instance: its main process, and what is known of it.

    Times are boot seconds (see ``model``).
    """

    tag: Tag
    id: ProcessId
    started_at: float
    state: RunState = RunState.RUNNING
    ready: bool | None = True
    """What its probe says; True without one; None before the first answer."""
    ready_at: float | None = None
    """Since when it is ready; None while it is not."""
    was_ready: bool = False
    """It has been ready before: one that is not now fails, one that never was is starting."""
    unready_reason: str = ""
    """Why it is not ready, a sentence; empty where it is, or nothing is known."""
    answer: str = ""
    """What the probe got that says so; empty where none has."""
    failed: str = ""
    """Why it is to be replaced: which probe failed, a sentence."""
    outgrown: str = ""
    """What it uses beyond `limits.memory`, a sentence with the figures."""
    starting: bool = False
    """It has yet to exec its program, and is recon's own until then."""
    status: str = ""
    """The text that the program reports by STATUS= (sd_notify)."""
    stopping_at: float | None = None
    """When its stop began."""
    remnant: str = ""
    """The process has ended: for what it left behind a stop waits, a sentence."""
    stragglers: tuple[ProcessId, ...] = ()
    """Others with the same nonce: children that a stop ends too."""
    binary_replaced: bool = False
    """Its executable was replaced or removed on disk."""
    limits: Mapping[str, Value] = field(default_factory=nothing, hash=False)
    """Those in force on it, by field; only those that its app declares are looked at."""
    unadjusted: Mapping[str, tuple[Value, str]] = field(default_factory=nothing, hash=False)
    """By field: a value that could not be put in force on it, and why, a sentence."""

    @property
    def name(self) -> str:
        return f"{self.tag.app}-{self.tag.instance}"


@dataclass(frozen=True, slots=True)
class Exit:
    """How a process ended. All None: unknown (not our child, and Linux before 6.15)."""

    code: int | None = None
    signal: int | None = None
    reason: str = ""
    """One word for machines, where more is known than the signal: ``OOMKilled``."""
    detail: str = ""
    """The reason as a sentence; without a reason, who may have sent a SIGKILL."""

    @property
    def success(self) -> bool:
        """Unknown counts as failure, never as 0."""
        return self.code == 0

    @property
    def signal_name(self) -> str:
        """``SIGSEGV``; ``SIGRTMIN+3`` of a real-time signal; empty where no signal ended it."""
        if self.signal is None:
            return ""
        try:
            return signal.Signals(self.signal).name
        except ValueError:
            return f"SIGRTMIN+{self.signal - signal.SIGRTMIN}"

    def __str__(self) -> str:
        if self.reason:
            return f"{self.reason}: {self.detail}"
        if self.signal is not None:
            return f"{self.signal_name} (signal {self.signal})"
        return "exit unknown" if self.code is None else f"exit {self.code}"


LEFT_BEHIND = "LeftBehind"
"""Reason of an exit: the program put itself in the background."""


def left_behind(exit: Exit, left: Sequence[ProcessId]) -> Exit:
    """The exit of a process of which others still run: said where it looks like a success."""
    if not exit.success or not left:
        return exit
    pid = min(left, key=lambda id: id.start).pid
    detail = (
        f'left pid {pid} running and exited: keep it in the foreground (remove --daemon or "&")'
    )
    return replace(exit, reason=LEFT_BEHIND, detail=detail)


@dataclass(frozen=True, slots=True)
class PortHeld:
    """An instance is to be asked at a port where another process of ours listens."""

    probed: Tag
    """The instance, which may have ended since."""
    port: int
    holder: Tag
    pid: int
    exclusive: bool
    """No other process can listen there meanwhile."""
    since: float
    """Boot seconds."""

    def __str__(self) -> str:
        name = f"{self.holder.app}-{self.holder.instance}"
        return f"port {self.port} is held by {name} (pid {self.pid})"


@dataclass(frozen=True, slots=True)
class Observed:
    """The processes of ours on this host, in any order."""

    processes: tuple[Process, ...] = ()
    faults: tuple[str, ...] = ()
    """Witnesses that contradict each other, as sentences."""
    conflicts: Mapping[str, str] = field(default_factory=dict)
    """By app: why one of its sockets is unavailable, a sentence that names who has it."""
    ports: tuple[PortHeld, ...] = ()
    """Ports of instances that are not ready, held by others."""
    inherited: Mapping[str, Value] = field(default_factory=dict)
    """By field of ``limits``: what a process has where its app declares no such limit; empty
    where that is unknown."""
