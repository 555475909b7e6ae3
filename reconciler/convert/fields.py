"""The fields that one app's manifest set, on their way to another system's words.

Guarantee: no field that a user set is dropped in silence. A field counts as carried over only when
the code that writes its equal took its value (``Fields.take``). ``Fields.left`` has all others,
also those that the exporter has never heard of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import Workload
from reconciler.model.words.fields import is_own

Path = tuple[str, ...]
UNKNOWN = "the exporter does not know this field; set it by hand"
ANY = "*"
"""In the path of a rule: any one step, as the name of a variable or a number in a list."""


class Fate(StrEnum):
    """What became of a field that has no equal of the same meaning."""

    TODO = "to do"
    DIFFERS = "differs"
    LOST = "lost"


class Note(NamedTuple):
    app: str
    field: str
    fate: Fate
    text: str


@dataclass(slots=True)
class Fields:
    """``fields`` is the spec as plain data: what the manifest set, by the names it has there."""

    name: str
    fields: Mapping[str, Any]
    notes: list[Note] = field(default_factory=list, kw_only=True)
    _taken: set[Path] = field(default_factory=set, kw_only=True)

    def take(self, *path: str, default: Any = None) -> Any:
        """The value there, which is being carried over; ``default`` where none was set."""
        found = self.peek(*path)
        self._taken.update(path + rest for rest in _leaves(found))
        return default if found is None else found

    def peek(self, *path: str) -> Any:
        """The value there, for code that only needs to know."""
        found: Any = self.fields
        for step in path:
            if isinstance(found, Mapping):
                found = found.get(step)
            elif isinstance(found, list) and step.isdecimal() and int(step) < len(found):
                found = found[int(step)]
            else:
                return None
        return found

    def each(self, *path: str) -> Iterator[Path]:
        """The paths of the items of a list, or of the values of a mapping."""
        found = self.peek(*path)
        names = found if isinstance(found, Mapping) else map(str, range(len(found or ())))
        return ((*path, str(name)) for name in names)

    def left(self) -> Iterator[Path]:
        """The fields that were set and that no translation has taken."""
        return (path for path in _leaves(self.fields) if path not in self._taken)

    def note(self, fate: Fate, text: str, *path: str) -> None:
        self.notes.append(Note(self.name, ".".join(path), fate, text))

    def note_left(self, reasons: Mapping[Path, tuple[Fate, str]]) -> None:
        """Add a note for each field that no translation has taken, by the longest rule for it.

        What stands below the path of a rule is reported once, as the field that the rule names.
        """
        reported: set[Path] = set()
        for path in self.left():
            rule = max((one for one in reasons if _covers(one, path)), key=len, default=None)
            place = path if rule is None else path[: len(rule)]
            if place not in reported:
                fate, text = (Fate.LOST, UNKNOWN) if rule is None else reasons[rule]
                self.note(fate, text, *place)
            reported.add(place)
        self.take()


def set_fields(app: Workload) -> dict[str, Any]:
    """What was set of an app, as plain data. References to secrets stay references."""
    recons = {name for name, field in AppSpec.model_fields.items() if is_own(field)}
    spec = app.spec.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=recons)
    return {**spec, "metadata": {"labels": dict(app.labels)}} if app.labels else spec


def _leaves(value: Any) -> Iterator[Path]:
    """Where values are. A list of plain values is one value; nothing where it is null."""
    if isinstance(value, Mapping):
        for name, below in value.items():
            yield from ((str(name), *rest) for rest in _leaves(below))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for number, below in enumerate(value):
            yield from ((str(number), *rest) for rest in _leaves(below))
    elif value is not None:
        yield ()


def _covers(rule: Path, path: Path) -> bool:
    return len(rule) <= len(path) and all(
        step in (ANY, there) for step, there in zip(rule, path, strict=False)
    )
