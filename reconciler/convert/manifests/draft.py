"""A draft: one app on its way from another tool's words to a manifest, and what is to be said.

Paths in a draft are absolute. One that was written relative is ``Located``, and becomes relative
again, to the manifest's own file.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from reconciler.desired.manifest.merge import merged


class Fate(StrEnum):
    """What became of something that the source says, the weightiest first."""

    TODO = "todo"
    """It will not work as it is: a person must decide."""
    CHANGED = "changed"
    LOST = "lost"
    UNNEEDED = "unneeded"


TITLES = {
    Fate.TODO: "to do",
    Fate.CHANGED: "changed in meaning",
    Fate.LOST: "not carried over",
    Fate.UNNEEDED: "not needed",
}


class Note(NamedTuple):
    """``key`` is the source's word for it; ``text`` a clause or sentence."""

    fate: Fate
    key: str
    text: str


def from_shell(names: Iterable[str]) -> Note:
    """Of a source that asks for the environment: its values are in the manifests from now on."""
    note = "was read from the environment of this shell; its value is now in the manifest"
    return Note(Fate.CHANGED, ", ".join(names), note)


class Located(str):
    """An absolute path that was written relative."""

    __slots__ = ()


def locate(folder: str, path: str) -> str:
    """``path`` as absolute; ``Located`` where it was written relative to ``folder``."""
    if path == "~" or path.startswith("~/"):
        return os.path.expanduser(path)
    if os.path.isabs(path):
        return os.path.normpath(path)
    return Located(os.path.normpath(os.path.join(folder, path)))


@dataclass(slots=True)
class Draft:
    """One app. ``spec`` and the profiles are data as a manifest holds it."""

    name: str
    """As the source has it; ``names`` makes recon's own of it."""
    source: str
    """Absolute path of the file it comes from."""
    kind: str = "App"
    """Or Job."""
    labels: dict[str, str] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)
    profiles: dict[str, dict[str, Any]] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    title: str = ""
    """recon's name for it, once that is known."""

    def note(self, fate: Fate, key: str, text: str) -> None:
        found = Note(fate, key, text)
        if found not in self.notes:
            self.notes.append(found)

    def put(self, path: str, value: Any) -> None:
        """Set the field at a dotted ``path``."""
        nested = value
        for step in reversed(path.split(".")):
            nested = {step: nested}
        self.spec = merged(self.spec, nested)
