"""Plain data against the models: every fault becomes a sentence at its place."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from reconciler.desired.yaml import Path

Model = TypeVar("Model", bound=BaseModel)
Complaint = tuple[Path, str]

_SENTENCES = {
    "missing": "is required",
    "string_type": "must be text",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "float_parsing": "must be a number",
    "finite_number": "must be a finite number",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "dict_type": "must be a map",
    "model_type": "must be a map of fields",
    "list_type": "must be a list",
    "tuple_type": "must be a list",
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "too_short": "must not be empty",
}


def validate(model: type[Model], data: Any) -> Model | list[Complaint]:
    """The model of ``data``, or what is wrong with it, one complaint a place."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        complaints: dict[Path, list[str]] = {}
        for fault in error.errors(include_url=False, include_input=False):
            path = _real_path(fault["loc"], data, fault["type"])
            complaints.setdefault(path, []).append(_sentence(model, path, dict(fault)))
        return [(path, _choose(path, said)) for path, said in complaints.items()]


def suggestion(word: str, known: Iterator[str] | set[str]) -> str:
    """``", did you mean memory?"``, or nothing where none is near."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f", did you mean {near[0]}?" if near else ""


def fields_at(model: type[BaseModel], path: Path) -> dict[str, type[BaseModel]]:
    """Field names (aliases) that may stand at ``path``, each with the model it belongs to."""
    models = {model}
    for step in path:
        inner: set[type[BaseModel]] = set()
        for one in models:
            for field in one.model_fields.values():
                if field.alias == step or (field.alias is None and step in one.model_fields):
                    inner |= set(_models_in(field.annotation))
        models = inner or models if isinstance(step, int) or not inner else inner
    return {field.alias or name: one for one in models for name, field in one.model_fields.items()}


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is Annotated:
        yield from _models_in(get_args(annotation)[0])
    else:
        for argument in get_args(annotation):
            yield from _models_in(argument)


def _real_path(loc: tuple[int | str, ...], data: Any, kind: str) -> Path:
    """The steps of pydantic's location that are steps of the data (the rest name branches)."""
    path: list[str | int] = []
    for index, step in enumerate(loc):
        inside = isinstance(data, dict) and step in data
        if inside or (isinstance(data, list) and isinstance(step, int) and step < len(data)):
            data = data[step]
            path.append(step)
        elif kind == "missing" and index == len(loc) - 1:
            path.append(step)
    return tuple(path)


def _sentence(model: type[BaseModel], path: Path, fault: dict[str, Any]) -> str:
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        known = set(fields_at(model, path[:-1]))
        return f"unknown field{suggestion(str(path[-1]), known)}"
    if kind == "value_error":
        return str(context["error"])
    return _SENTENCES.get(kind, str(fault["msg"])).format(**context)


def _choose(path: Path, said: list[str]) -> str:
    """One sentence for one place: where several kinds of value are allowed, each complained."""
    if len(said) == 1:
        return said[0]
    if "env" in path[-2:-1]:
        return "must be text, or one of {perInstance: N}, {secretFile: FILE}, {fromEnv: NAME}"
    if path[-1:] == ("port",):
        return "must be a port, 1 to 65535, or {perInstance: FIRST}"
    told = [sentence for sentence in said if not sentence.startswith("must be a map")]
    return (told or said)[0]
