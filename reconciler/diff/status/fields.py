"""Which fields differ between the revision that runs and the manifest, and what that does.

Paths are dotted below ``spec``, as deep as maps go. Template fields are compared as the user
wrote them (that is what the hash covers), the others with their defaults filled in. Secrets are
compared by their keyed marks and shown as ``***``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.desired import Workload
from reconciler.model.state.plan import FieldChange
from reconciler.model.state.revision import Revision, spec_of, template_of
from reconciler.model.words.fields import Effect, effects

MASKED = "***"
_SECRET = {"secretFile", "fromEnv", "credential"}


def changed_fields(before: Revision | None, after: Workload) -> tuple[FieldChange, ...]:
    """The fields that ``after`` changes, sorted by path; none for the first revision."""
    if before is None:
        return ()
    old = spec_of(before)
    changes = [
        *_template_changes(template_of(old), template_of(after.spec)),
        *_in_place_changes(old, after.spec),
        *_secret_changes(before.marks, after.marks),
    ]
    return tuple(sorted(changes, key=lambda change: change.path))


def template_changes(before: Revision | None, after: Revision) -> tuple[FieldChange, ...]:
    """What a revision replaced processes for: its fields and secrets against those before it."""
    if before is None:
        return ()
    old, new = spec_of(before), spec_of(after)
    changes = [
        *_template_changes(template_of(old), template_of(new)),
        *_secret_changes(before.marks, after.marks),
    ]
    return tuple(sorted(changes, key=lambda change: change.path))


def edited_fields(before: Workload, after: Workload) -> list[str]:
    """The paths that an edit of a manifest has changed; what lies in other files is not an edit."""
    old, new = before.spec, after.spec
    changes = (
        []
        if old == new
        else [
            *_template_changes(template_of(old), template_of(new)),
            *_in_place_changes(old, new),
        ]
    )
    labels = ["labels"] if before.labels != after.labels else []
    return [*labels, *sorted(change.path for change in changes)]


def _template_changes(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[FieldChange]:
    for path, before, after in _differences("", dict(old), dict(new)):
        yield FieldChange(path, *_shown(before, after), Effect.REPLACES)


def _shown(before: Any, after: Any) -> tuple[Any, Any]:
    """A text that a reference to a secret takes the place of, or is taken by, is that secret."""
    sides = [before, after]
    for here, there in ((0, 1), (1, 0)):
        other = sides[there]
        if isinstance(sides[here], str) and isinstance(other, dict) and _SECRET & other.keys():
            sides[here] = MASKED
    return sides[0], sides[1]


def _in_place_changes(old: ProgramSpec, new: ProgramSpec) -> Iterator[FieldChange]:
    """Of an App that became a Job, those of the fields that both have."""
    known = effects(type(old))
    names = {
        name
        for name, effect in effects(type(new)).items()
        if effect is Effect.IN_PLACE and name in known
    }
    before = old.model_dump(mode="json", by_alias=True)
    after = new.model_dump(mode="json", by_alias=True)
    for name in names:
        for path, left, right in _differences(name, before[name], after[name]):
            yield FieldChange(path, left, right, Effect.IN_PLACE)


def _secret_changes(old: Mapping[str, str], new: Mapping[str, str] | None) -> Iterator[FieldChange]:
    if new is None:
        return
    for name in old.keys() | new.keys():
        before, after = old.get(name), new.get(name)
        if before == after or (before and after and _other_key(before, after)):
            continue
        shown = f"{MASKED} (changed)" if before and after else MASKED
        path = name if "." in name else f"env.{name}"
        yield FieldChange(
            path, MASKED if before else None, shown if after else None, Effect.REPLACES
        )


def _other_key(before: str, after: str) -> bool:
    return before.partition("-")[0] != after.partition("-")[0]


def _differences(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    """(path, before, after) of each leaf that differs; an absent map is an empty one."""
    if old == new:
        return
    left, right = ({} if side is None else side for side in (old, new))
    if not (isinstance(left, dict) and isinstance(right, dict)):
        yield path, old, new
        return
    for name in sorted(left.keys() | right.keys()):
        yield from _differences(_below(path, name), left.get(name), right.get(name))


def _below(path: str, name: str) -> str:
    """A step further. One that is a place of files would read as no path at all: the folder
    itself (``.``, of ``watched``) is what stands above it, others are put into brackets."""
    if not path:
        return name
    if name == ".":
        return path
    return f"{path}[{name}]" if name.startswith((".", "/")) else f"{path}.{name}"
