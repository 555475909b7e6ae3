"""An earlier revision's template, written back into the manifest: `recon rollout undo`.

The file is the truth, so going back is an edit of it. The journal remembers a template merged and
with absolute paths; the file says the same in layers (defaults, spec, profile) and with relative
ones. So both templates are compared as they are resolved, and only the fields that differ are
edited, each where it is written, by ``edit``.

Guarantee: what is returned declares exactly that template, which was found out by reading it as
the controller will. Anything else is an ``UndoError``, a sentence that says what stands in the way.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.desired.manifest.manifest import Context, read
from reconciler.desired.text import yaml
from reconciler.desired.text.edit import EditError, remove_field, set_field
from reconciler.desired.text.locate import declarations
from reconciler.desired.text.yaml import Document, Path
from reconciler.model.spec.job import JobSpec
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import Workload
from reconciler.model.state.revision import Revision, Template, hash_of, is_job, template_of
from reconciler.model.words.fields import is_own

_OWN = {"kind"} | {f.alias or n for n, f in AppSpec.model_fields.items() if is_own(f)}
# Of a variable that is one file's content.
_FILES = (("secretFile",), ("credential",))
# A path is written relative to the manifest's folder from so many folders further up.
_NEAR = 2


class UndoError(Exception):
    """The revision cannot be written back: a sentence."""


@dataclass(frozen=True, slots=True)
class _Op:
    """One field, below ``spec``, that has to change."""

    path: Path
    value: Any
    """As it is to be written; None: the field is to go."""


def template_at(revision: Revision) -> Template:
    """The template of a revision of the past. UndoError where this release cannot tell."""
    model = JobSpec if is_job(revision.spec) else AppSpec
    known = {field.alias or name for name, field in model.model_fields.items()}
    spec = model.model_validate({n: v for n, v in revision.spec.items() if n in known})
    template = template_of(spec)
    if hash_of(template, None).partition(".")[0] != revision.hash.partition(".")[0]:
        message = f"revision {revision.number} was recorded by another release of recon"
        raise UndoError(f"{message}, which this one cannot read in full; edit the manifest by hand")
    return template


def differs(app: Workload, revision: Revision) -> bool:
    """Whether the manifest declares another public template than ``revision`` was."""
    return _written_part(template_of(app.spec)) != _written_part(template_at(revision))


def undone(text: bytes, app: Workload, revision: Revision, context: Context) -> bytes:
    """``text``, the file that declares ``app``, edited so that it declares ``revision``.

    ``context`` is what the file is read in. EditError or UndoError where that cannot be.
    """
    then = _written_part(template_at(revision))
    folder = context.folder or os.path.dirname(app.source.file)
    ops = sorted(
        _ops((), _written_part(template_of(app.spec)), then, folder),
        key=lambda op: op.value is None,
    )  # what is to go goes last, so that no map is left empty on the way
    for op in ops:
        text = _done(text, app.name, op, context)
    _verify(text, app, then, context)
    return text


def _written_part(template: Template) -> Template:
    """Less what recon filled in: an edit of the manifest brings no file back."""
    return {name: value for name, value in template.items() if name not in _OWN}


def _ops(path: Path, now: Any, then: Any, folder: str) -> Iterator[_Op]:
    """The smallest changes from one resolved template to the other."""
    if now == then:
        return
    deeper = isinstance(now, dict) and isinstance(then, dict) and _is_map(path, now, then)
    if deeper:
        for name in [*then, *(name for name in now if name not in then)]:
            yield from _ops((*path, name), now.get(name), then.get(name), folder)
    elif (path == ("cwd",) and then == folder) or then is None:
        yield _Op(path, None)
    else:
        yield _Op(path, _written(path, then, folder))


def _is_map(path: Path, now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    """Whether its entries may differ one by one: not those of ``{secretFile: …}`` and the like."""
    return len(path) < 2 or now.keys() == then.keys()


def _written(path: Path, value: Any, folder: str) -> Any:
    """A resolved value as one writes it: paths relative to the manifest, where they are near."""
    if path in (("cwd",), ("envFrom",)) or path[-1:] in _FILES:
        if isinstance(value, str):
            return _near(value, folder)
        return [
            _near(item["file"], folder)
            if item.keys() == {"file"}
            else {**item, "file": _near(item["file"], folder)}
            for item in value
        ]
    if path == ("sockets",):
        near = (_near(item["path"], folder) if "path" in item else None for item in value)
        pairs = zip(value, near, strict=True)
        return [item if path is None else {**item, "path": path} for item, path in pairs]
    if isinstance(value, dict):
        return {name: _written((*path, name), below, folder) for name, below in value.items()}
    return value


def _near(path: str, folder: str) -> str:
    relative = os.path.relpath(path, folder)
    ups = relative.split(os.sep).count(os.pardir)
    common = os.path.commonpath([path, folder])
    if ups > _NEAR or (ups and common == os.sep):
        return path
    return relative


def _done(text: bytes, name: str, op: _Op, context: Context) -> bytes:
    places = _places(text, name, op.path, context.profile)
    if op.value is None:
        if op.path == ("cwd",) and "cwd" in context.settings.defaults:
            return set_field(text, name, ("spec", "cwd"), ".")
        if not places:
            raise UndoError(_elsewhere(op.path, context))
        for place in places:
            text = remove_field(text, name, place)
        return text
    place = places[0] if places else ("spec", *op.path)
    try:
        return _set(text, name, place, op.value)
    except EditError:
        if not places:
            raise
        # A value that another kind of value takes the place of: out with it, then in.
        return set_field(remove_field(text, name, place), name, place, op.value)


def _set(text: bytes, name: str, place: Path, value: Any) -> bytes:
    """A list of the same length changes item by item, so that what is beside the others stays."""
    document = _document(text, name)
    old = document.data
    for step in place:
        old = old.get(step) if isinstance(old, dict) else None
    if isinstance(old, list) and isinstance(value, list) and len(old) == len(value):
        for index, (before, after) in enumerate(zip(old, value, strict=True)):
            if before != after:
                text = set_field(text, name, (*place, index), after)
        return text
    return set_field(text, name, place, value)


def _places(text: bytes, name: str, path: Path, profile: str | None) -> list[Path]:
    """Where the file writes a field: in the profile in force, which wins, and in the spec."""
    marks = _document(text, name).marks
    places: list[Path] = [("spec", *path)]
    if profile is not None:
        places.insert(0, ("spec", "profiles", profile, *path))
    return [place for place in places if place in marks]


def _document(text: bytes, name: str) -> Document:
    try:
        documents = list(declarations(yaml.parse(yaml.decode(text)), name))
    except yaml.Fault as fault:
        raise UndoError(f"line {fault.line}: {fault}; fix the file first") from None
    if not documents:
        raise UndoError(f"the file no longer declares {name}")
    return documents[0]


def _verify(text: bytes, app: Workload, then: Template, context: Context) -> None:
    """Read what was written as the controller will."""
    contents = read(app.source.file, text, context)
    problem = next(iter(contents.problems), None)
    if problem is not None:
        where = f"{problem.path}: " if problem.path else ""
        raise UndoError(
            f"the earlier version would be an invalid manifest now: {where}{problem.text}"
        )
    found = next((one for one in contents.apps if one.name == app.name), None)
    got = template_of(found.spec) if found is not None else {}
    wrong = next(_ops((), got, then, os.path.dirname(app.source.file)), None)
    if wrong is not None:
        raise UndoError(_elsewhere(wrong.path, context))


def _elsewhere(path: Path, context: Context) -> str:
    """Why a field cannot be written back where the app is declared."""
    dotted, layer = ".".join(map(str, path)), "a layer over the spec"
    below: Any = context.settings.defaults
    for step in path:
        below = below.get(step) if isinstance(below, Mapping) else None
    if below is not None:
        layer = "the defaults in recon.yaml"
    elif context.profile:
        layer = f"the profile {context.profile}"
    return f"{dotted} comes from {layer}, not from the spec; edit it by hand"
