"""An edit as it is given to a worker process, and what came of it.

Apart from what carries it out, which the controller need not import.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

TASK = "reconciler.desired.edits.carry_out:perform"


class Change(Protocol):
    """What is to be edited, and how."""

    @property
    def file(self) -> str: ...

    def edited(self, text: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Order:
    """A task for a worker process."""

    change: Change
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an order. Without ``refusal``, ``diff`` is the edit; empty: nothing differs."""

    file: str
    line: int = 0
    diff: str = ""
    refusal: str = ""
    is_unwritable: bool = False
    """The refusal is the file system's."""
