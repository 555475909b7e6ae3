"""The load that apps put on a host, as plain data: what they use, what is free, what waits.

``observed.host.load`` measures the first two, ``diff.load`` judges by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class Shortage(StrEnum):
    """What the host has too little of; the reason of the condition LoadHeld."""

    MEMORY = "InsufficientMemory"
    PROCESSES = "InsufficientProcesses"
    FILES = "InsufficientFiles"


class Room(NamedTuple):
    """What the host can still give to recon and its programs. None: not known, or not bounded."""

    memory: int | None = None
    """Bytes."""
    processes: int | None = None
    """Processes and threads."""
    files: int | None = None
    """Descriptors that the controller itself may have, those that it has included."""


class Use(NamedTuple):
    """What the processes of one app use now."""

    settled: int = 0
    """Instances that have run long enough to measure what one needs."""
    young: int = 0
    """Instances that have just started: they may yet grow."""
    memory: int = 0
    """Bytes of its own that an instance that has settled uses, on average."""
    tasks: int = 0
    """Its processes and threads, on average."""
    young_memory: int = 0
    young_tasks: int = 0
    """The same of a young one."""

    @property
    def running(self) -> int:
        return self.settled + self.young


@dataclass(frozen=True, slots=True)
class Withheld:
    """A rise of the count of instances that waits for a person to confirm it."""

    count: int
    """How many instances are declared."""
    before: int
    """How many are kept up meanwhile."""
    reason: Shortage
    needed: int
    """Bytes, processes or descriptors that all rises which were judged together need."""
    room: int
    """What is left of it for them."""
    each: int
    """What one more instance of this app needs of it."""
    measured: bool
    """``each`` was measured on instances that run; else it is a guess."""
    apps: int = 1
    """How many apps' rises were judged together."""
    again: bool = False
    """It is to be judged again: a person has asked for it, and others may have made room."""


Verdicts = Mapping[str, Withheld | None]
"""By app whose count rises: why that waits, or None where the host has room for it."""
