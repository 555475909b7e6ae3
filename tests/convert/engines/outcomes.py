"""What an exporter does with each field: places of its output that change, and notes.

``python -m tests.convert.engines.outcomes`` writes the table into docs/engines.md.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from reconciler.convert.engines.draft import Exported
from reconciler.convert.fields import Note
from reconciler.convert.kubernetes import objects as kubernetes
from reconciler.convert.nomad import jobs as nomad
from reconciler.model.state.desired import Workload
from tests.convert.engines.samples import FIELDS, SAMPLES, workload

PAGE = Path(__file__).parents[3] / "docs/engines.md"
BEGIN, END = "<!-- fields -->", "<!-- end -->"
ZONE = "Europe/Paris"


@dataclass(frozen=True)
class Outcome:
    """``places`` in the output that another value of the field changes; ``notes`` about it."""

    places: tuple[str, ...]
    notes: tuple[Note, ...]


def _kubernetes(apps: list[Workload]) -> Exported:
    return kubernetes.export(apps, kubernetes.Target(ZONE))


def _nomad(apps: list[Workload]) -> Exported:
    return nomad.export(apps, nomad.Target(ZONE))


EXPORTERS: Mapping[str, Callable[[list[Workload]], Exported]] = {
    "Kubernetes": _kubernetes,
    "Nomad": _nomad,
}


@cache
def outcome(engine: str, kind: str, field: str) -> Outcome:
    """What becomes of a field, seen from outside: by an export without it and one with it."""
    db = workload("App", "db", sockets=[{"name": "pg", "port": 5432}])
    made = [EXPORTERS[engine]([db, workload(kind, **spec)]) for spec in SAMPLES[kind][field]]
    before, after = made
    assert not after.refused, after.refused
    places = dict.fromkeys(_changed(_data(before), _data(after)))
    parts = field.split(".")
    notes = [note for note in after.notes if note.app == "web" and _is_about(note.field, parts)]
    return Outcome(tuple(places), tuple(dict.fromkeys(notes)))


def _is_about(noted: str, parts: list[str]) -> bool:
    """Whether a note of this path, less numbers and names of variables, is about the field."""
    steps = [step for step in noted.split(".") if not step.isdecimal()]
    if len(steps) > 1 and "env" in (steps[0], *steps[1:2]):
        steps = [step for step in steps if step != "A"]
    return steps == parts[: len(steps)] or (parts == steps[: len(parts)] and len(parts) > 0)


def _data(made: Exported) -> list[Any]:
    return [one for text in made.files.values() for one in yaml.safe_load_all(text)]


def _changed(before: Any, after: Any, path: str = "") -> Iterator[str]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in before.keys() | after.keys():
            yield from _changed(before.get(name), after.get(name), f"{path}.{name}")
    elif isinstance(before, list) and isinstance(after, list):
        for number in range(max(len(before), len(after))):
            one, other = (part[number] if number < len(part) else None for part in (before, after))
            yield from _changed(one, other, path)
    elif before is None and isinstance(after, dict):
        kind = after.get("kind")
        here = f"{path}{kind}" if kind else path
        if kind:
            yield here
        else:
            for name, value in after.items():
                yield from _changed(None, value, f"{here}.{name}")
    elif before != after:
        yield path


def rows(engine: str, kind: str) -> Iterator[tuple[str, str]]:
    """A field, and the words for what becomes of it."""
    only = FIELDS["Job"] - FIELDS["App"] if kind == "Job" else FIELDS["App"]
    for field in sorted(only):
        found = outcome(engine, kind, field)
        places = sorted({_short(place) for place in found.places} - {"metadata.name"})
        parts = [f"`{place}`" for place in places[:3]]
        parts += dict.fromkeys(f"*{note.fate.value}*: {note.text}" for note in found.notes)
        yield field, "; ".join(parts).replace("|", "\\|")


def _short(place: str) -> str:
    plain = re.sub(r"^Job\.(?:TaskGroups\.)?(?:Tasks\.)?", "", place.lstrip("."))
    plain = re.sub(r"^(?:spec\.jobTemplate\.)?spec\.template\.spec\.", "", plain)
    return re.sub(r"^spec\.", "", plain)


def table() -> str:
    """The table of docs/engines.md."""
    lines = []
    for kind in FIELDS:
        title = "field" if kind == "App" else "field of a Job"
        lines += [f"| {title} | {' | '.join(EXPORTERS)} |", f"| --- |{' --- |' * len(EXPORTERS)}"]
        columns = [dict(rows(engine, kind)) for engine in EXPORTERS]
        for field in columns[0]:
            cells = " | ".join(column[field] for column in columns)
            lines.append(f"| `{field}` | {cells} |")
        lines.append("")
    return "\n".join(lines)


def with_table(text: str) -> str:
    """The page with the table as it is today."""
    before, rest = text.split(BEGIN)
    _, after = rest.split(END)
    return f"{before}{BEGIN}\n{table()}{END}{after}"


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text()))
