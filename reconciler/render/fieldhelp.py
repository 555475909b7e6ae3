"""Help on one field, read from the models: there is no second list of fields to forget."""

from __future__ import annotations

import json
import types
from collections.abc import Iterable, Iterator
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from reconciler.model.spec.manifest import App, AppManifestSpec, Job, Settings
from reconciler.model.words.closest import closest
from reconciler.model.words.fields import Effect, effects, is_own
from reconciler.model.words.habits import remedy
from reconciler.model.words.quantity import format_size

_EFFECTS = {
    Effect.REPLACES: "a change replaces the processes",
    Effect.IN_PLACE: "a change is applied in place, to running processes",
}
_KINDS = (App, Job, Settings)
_SIMPLE = {str: "text", int: "number", float: "number", bool: "true or false"}


class _Found(NamedTuple):
    """What a path leads to."""

    type: Any
    field: FieldInfo | None
    """None for an entry of a map, which has no default."""
    effect: Effect | None
    about: str
    models: list[type[BaseModel]]
    """What may stand below it."""


class Facts(NamedTuple):
    """A field in words."""

    type: str
    default: str
    effect: str
    """What a change of it does; empty where it says none."""
    about: str
    is_map: bool
    """Names of the user's choice stand in it."""


class Entries(NamedTuple):
    """What stands in a map."""

    type: Any
    keyed: bool = True
    """Below a name of the user's choice; else fields at once."""


def entries_of(owner: type[BaseModel], field: FieldInfo) -> Entries | None:
    """What the map of this field holds; None where it is no map."""
    name = field.alias or next(one for one, its in owner.model_fields.items() if its is field)
    if name == "profiles":
        return Entries(owner)
    if name == "defaults":
        return Entries(AppManifestSpec, keyed=False)
    annotation = field.annotation
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return Entries(get_args(annotation)[1]) if get_origin(annotation) is dict else None


def explained(path: str | None) -> list[str]:
    """The help on a dotted path; without one on what a manifest consists of.

    LookupError with a sentence where there is no such field.
    """
    kinds = {kind.__name__: kind for kind in _KINDS}
    if path is None or path == "App":
        return [*_overview()]
    if path in kinds:
        return [*_kind(kinds[path])]
    models: list[type[BaseModel]] = [*_KINDS]
    first, _, rest = path.partition(".")
    of_kind = next((kind for name, kind in kinds.items() if name.lower() == first.lower()), None)
    if of_kind is not None and rest:
        models, path, first = [of_kind], rest, rest.partition(".")[0]
    elif of_kind is not None:
        return [*_kind(of_kind)]
    elif first not in App.model_fields and (first in _names_of_spec() or remedy(first)):
        path = f"spec.{path}"  # as errors, plans and these pages speak of them
    found = _walk(models, path.split("."))
    facts = _facts(found)
    lines = [f"FIELD:    {path}", f"TYPE:     {facts.type}", f"DEFAULT:  {facts.default}"]
    if facts.effect:
        lines.append(f"EFFECT:   {facts.effect}")
    if facts.about:
        lines += ["", f"  {facts.about}"]
    for model in found.models:
        lines += ["", f"{_first_line(model) or 'Fields:'}", *_children(model, found.effect)]
    return lines


def facts_of(path: str) -> Facts:
    """The facts of a field at a dotted path; LookupError where there is none."""
    return _facts(_walk(*_start(path)))


def names_below(path: str | None) -> list[tuple[str, str]]:
    """The names that may follow a path and a dot, each with what it is for; of None the first
    names of a path. Nothing where no field is below it."""
    if path is None:
        found = [(kind.__name__, f"a manifest of kind {kind.__name__}") for kind in _KINDS]
        return [*found, ("metadata", "name and labels"), *_described(_models_of_spec())]
    try:
        return [*_described(_walk(*_start(path)).models)]
    except LookupError:
        return []


def _described(models: Iterable[type[BaseModel]]) -> Iterator[tuple[str, str]]:
    fields = {
        field.alias or name: field.description or type_name(field.annotation)
        for model in models
        for name, field in model.model_fields.items()
        if not is_own(field)
    }
    yield from sorted(fields.items())


def _start(path: str) -> tuple[list[type[BaseModel]], list[str]]:
    """Where a path begins, and its steps: at a kind that it names, else at any; `spec` may be
    left out."""
    first, *rest = steps = path.split(".")
    named = [kind for kind in _KINDS if kind.__name__ == first]
    if named and rest:
        return [*named], rest
    if first not in App.model_fields and first in _names_of_spec():
        steps = ["spec", *steps]
    return [*_KINDS], steps


def _facts(found: _Found) -> Facts:
    default = default_of(found.field) if found.field else "none"
    effect = _EFFECTS[found.effect] if found.effect is not None else ""
    return Facts(type_name(found.type), default, effect, found.about, _is(found.type, dict))


def _walk(models: list[type[BaseModel]], steps: list[str]) -> _Found:
    """What stands at the end of the path. LookupError with a sentence where there is nothing."""
    walked: list[str] = []
    effect: Effect | None = None
    while True:
        step = steps[len(walked)]
        fields = _step(models, step, walked)
        walked.append(step)
        owner, field = fields[0]
        effect = effects(owner).get(step, effect)
        if (
            _is(field.annotation, tuple, list)
            and "".join(steps[len(walked) : len(walked) + 1]).isdecimal()
        ):
            walked.append(steps[len(walked)])  # as errors name an entry of a list: sockets.0.port
        models = [*dict.fromkeys(model for _, one in fields for model in _models(one.annotation))]
        rest = steps[len(walked) :]
        if rest and (entries := entries_of(owner, field)) is not None:
            about = f"a name of your choice in {'.'.join(walked)}: {field.description}"
            return _in_map(entries, rest, effect, about)
        if not rest:
            return _Found(field.annotation, field, effect, field.description or "", models)


def _in_map(entries: Entries, rest: list[str], effect: Effect | None, about: str) -> _Found:
    """The value of a key that a user chose, or a field below it; the key may hold dots itself."""
    models = [*_models(entries.type)]
    keys = 1 if entries.keyed else 0
    for size in range(keys, len(rest) if models else 0):
        try:
            return _inheriting(_walk(models, rest[size:]), effect)
        except LookupError:
            if not entries.keyed:
                raise
    return _Found(entries.type, None, effect, about, models)


def _inheriting(found: _Found, effect: Effect | None) -> _Found:
    """``found``, with the effect of the map where it says none of its own."""
    return found if found.effect is not None else found._replace(effect=effect)


def _overview() -> Iterator[str]:
    """The manifest of an App, whole, and what a Job has in the place of its rollout."""
    app, job = (next(_models(kind.model_fields["spec"].annotation)) for kind in (App, Job))
    yield from ("A manifest of kind App:", *_children(App, None))
    yield from ("", "spec:", *_children(app, None))
    yield from ("", "Of kind Job the spec has all of the program, and:")
    of_job = {field.alias or name for name, field in job.model_fields.items()}
    of_app = {field.alias or name for name, field in app.model_fields.items()}
    yield from _children(job, None, of_job - of_app | {"timeZone"})
    rollout = sorted(name for name in of_app - of_job if name not in ("built", "kind"))
    yield from ("", f"It has none of: {', '.join(rollout)}")


def _kind(kind: type[BaseModel]) -> Iterator[str]:
    """A manifest of another kind, whole."""
    yield from (f"A manifest of kind {kind.__name__}:", *_children(kind, None), "", "spec:")
    for model in _models(kind.model_fields["spec"].annotation):
        yield from _children(model, None)


def _step(
    models: list[type[BaseModel]], step: str, walked: list[str]
) -> list[tuple[type[BaseModel], FieldInfo]]:
    """The fields of this name: an App and a Job may both have one."""
    known: dict[str, list[tuple[type[BaseModel], FieldInfo]]] = {}
    for model in models:
        for name, field in model.model_fields.items():
            if not is_own(field):
                known.setdefault(field.alias or name, []).append((model, field))
    if step in known:
        return known[step]
    where = ".".join(walked) or "a manifest"
    if not known:
        raise LookupError(f"{where} has no fields below it")
    if "command" in known and (meant := remedy(step)):
        raise LookupError(f"{where} has no field {step}; {meant}")
    close = closest(step, known, cutoff=0.5)
    hint = f", did you mean {'.'.join([*walked, close])}?" if close else ""
    listed = "" if close else f"; there are {', '.join(known)}"
    raise LookupError(f"{where} has no field {step}{hint}{listed}")


def _names_of_spec() -> set[str]:
    specs = _models_of_spec()
    return {field.alias or name for spec in specs for name, field in spec.model_fields.items()}


def _models_of_spec() -> list[type[BaseModel]]:
    return [next(_models(kind.model_fields["spec"].annotation)) for kind in _KINDS]


def _children(
    model: type[BaseModel], inherited: Effect | None, only: set[str] | None = None
) -> Iterator[str]:
    """Two lines a field (or only those named): what it is, and what it is for."""
    own = effects(model)
    for name, field in model.model_fields.items():
        alias = field.alias or name
        if is_own(field) or (only is not None and alias not in only):
            continue
        effect = own.get(alias, inherited)
        facts = [type_name(field.annotation)]
        facts += [f"default {default_of(field)}" if not field.is_required() else "required"]
        facts += [effect.value] if effect is not None else []
        yield f"  {alias}: {'; '.join(facts)}"
        about = field.description or next(map(_first_line, _models(field.annotation)), "")
        if about:
            yield f"      {about}"


def _is(annotation: Any, *origins: type) -> bool:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    return get_origin(annotation) in origins


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip().partition("\n")[0]


def default_of(field: FieldInfo) -> str:
    """The default as it is written in a manifest."""
    if field.is_required():
        return "none, it is required"
    value = field.get_default(call_default_factory=True)
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", by_alias=True, exclude_none=True)
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, int) and value >= 2**20:
        return format_size(value)
    return value if isinstance(value, str) else json.dumps(value)


def type_name(annotation: Any) -> str:
    """A type in the words of a manifest."""
    if isinstance(annotation, type):
        return _name_of_class(annotation)
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, types.UnionType):
        names = [type_name(one) for one in arguments if one is not type(None)]
        return " or ".join(dict.fromkeys(names))
    if origin is Literal:
        return " or ".join(map(str, arguments))
    if origin in (tuple, list, dict):
        kind = "map" if origin is dict else "list"
        return f"{kind} of {type_name(arguments[1 if origin is dict else 0])}"
    return type_name(arguments[0]) if origin is Annotated else "any"


def _name_of_class(found: type) -> str:
    if issubclass(found, Enum):
        return " or ".join(str(one.value) for one in found)
    return "fields" if issubclass(found, BaseModel) else _SIMPLE.get(found, "any")


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models within an annotation, which are what lies below the field."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        return
    for argument in get_args(annotation):
        yield from _models(argument)
