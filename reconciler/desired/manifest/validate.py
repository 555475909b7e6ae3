"""Plain data against the models: every fault becomes a sentence at its place."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Annotated, Any, NamedTuple, TypeVar, get_args, get_origin

from pydantic import BaseModel, ValidationError

from reconciler.desired.text.yaml import Path
from reconciler.model.words.closest import closest
from reconciler.model.words.fields import is_own
from reconciler.model.words.habits import remedy
from reconciler.model.words.sentence import InvalidValue, Sentence

Model = TypeVar("Model", bound=BaseModel)


class Kind(Enum):
    """What kind of fault it is, as far as that makes a difference."""

    INVALID = auto()
    UNKNOWN_FIELD = auto()
    """The field's name is to blame, not its value."""
    MISSING_FIELD = auto()
    """Not told where a field beside it is this one, misspelt."""


class Complaint(NamedTuple):
    """One fault in plain data."""

    path: Path
    message: str
    kind: Kind = Kind.INVALID
    remedy: str = ""

    @property
    def text(self) -> str:
        """As it is shown: ``<message>; <remedy>``."""
        return str(Sentence(self.message, self.remedy))


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

_NO_VALUE = Sentence("has no value", "write one, or remove the line")
_SURROGATE = re.compile("[\ud800-\udfff]")
_ENV_FORMS = "{perInstance: N}, {secretFile: FILE}, {fromEnv: NAME}, {credential: FILE}"


def validate(model: type[Model], data: Any, *, cores: int = 1) -> Model | list[Complaint]:
    """The model of ``data``, or what is wrong with it, one complaint a place.

    ``cores``: what `instances: max` stands for.
    """
    try:
        return model.model_validate(data, context={"cores": cores})
    except ValidationError as error:
        found: dict[Path, Complaint] = {}
        choices: dict[Path, list[_Fault]] = {}
        for detail in error.errors(include_url=False, include_input=False):
            fault = _fault(detail, data)
            if fault.choice is not None:
                choices.setdefault(fault.choice, []).append(fault)
            else:
                found.setdefault(fault.path, _complaint(model, fault, data))
        for place, faults in choices.items():
            for complaint in _of_choice(model, place, faults, data):
                found.setdefault(complaint.path, complaint)
        misspelt = {
            (*path[:-1], nearest(str(path[-1]), fields_at(model, path[:-1])))
            for path, one in found.items()
            if one.kind is Kind.UNKNOWN_FIELD
        }
        return [
            one
            for path, one in found.items()
            if one.kind is not Kind.MISSING_FIELD or path not in misspelt
        ]


def unfit_texts(data: Any, path: Path = ()) -> Iterator[Complaint]:
    """Texts that no path, name, argument or variable of Linux can be, wherever they stand.

    YAML and JSON can write both with an escape. A key that is unfit is told at its map.
    """
    if isinstance(data, str):
        if "\0" in data:
            yield Complaint(path, "contains a NUL byte, which is not allowed in a manifest")
        elif not data.isascii() and _SURROGATE.search(data):
            yield Complaint(path, "contains half of a surrogate pair, which is not a character")
    elif isinstance(data, dict):
        for key, value in data.items():
            yield from (Complaint(path, f"a key {one.message}") for one in unfit_texts(key))
            yield from unfit_texts(value, (*path, key))
    elif isinstance(data, list):
        for index, item in enumerate(data):
            yield from unfit_texts(item, (*path, index))


@dataclass(frozen=True, slots=True)
class _Fault:
    """One of pydantic's complaints."""

    path: Path
    kind: str
    message: str
    context: Mapping[str, Any]
    choice: Path | None
    """Where several kinds of value are allowed, each of which complains."""


def suggestion(word: str, known: Iterable[str]) -> str:
    """``", did you mean memory?"``, or nothing where none is near."""
    near = nearest(word, known)
    return f", did you mean {near}?" if near else ""


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word that is spelt most like this one; empty where none is near."""
    return closest(word, sorted(known))


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
    return {
        field.alias or name: one
        for one in models
        for name, field in one.model_fields.items()
        if not is_own(field)
    }


def _models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    elif get_origin(annotation) is Annotated:
        yield from _models_in(get_args(annotation)[0])
    else:
        for argument in get_args(annotation):
            yield from _models_in(argument)


def _fault(detail: Any, data: Any) -> _Fault:
    """The steps of pydantic's location that are steps of the data; the rest name branches."""
    path: list[str | int] = []
    choice: Path | None = None
    kind, loc = detail["type"], detail["loc"]
    for index, step in enumerate(loc):
        inside = isinstance(data, dict) and step in data
        if inside or (isinstance(data, list) and isinstance(step, int) and step < len(data)):
            data = data[step]
            path.append(step)
        elif kind == "missing" and index == len(loc) - 1:
            path.append(step)
        elif choice is None:
            choice = tuple(path)
    return _Fault(tuple(path), kind, detail["msg"], detail.get("ctx", {}), choice)


def _complaint(model: type[BaseModel], fault: _Fault, data: Any) -> Complaint:
    if fault.kind == "extra_forbidden":
        near, remedy = _hint(model, fault.path)
        return Complaint(fault.path, f"unknown field{near}", Kind.UNKNOWN_FIELD, remedy)
    message, remedy = _sentence(fault, data)
    kind = Kind.MISSING_FIELD if fault.kind == "missing" else Kind.INVALID
    return Complaint(fault.path, message, kind, remedy)


def _sentence(fault: _Fault, data: Any) -> Sentence:
    if fault.kind != "missing" and _at(data, fault.path) is None:
        return _NO_VALUE
    if fault.kind == "value_error":
        error = fault.context["error"]
        found = isinstance(error, InvalidValue)
        return Sentence(error.message, error.remedy) if found else Sentence(str(error))
    return Sentence(_SENTENCES.get(fault.kind, fault.message).format(**fault.context))


def _hint(model: type[BaseModel], path: Path) -> tuple[str, str]:
    """A field that may have been meant, by its spelling; and a remedy, where it is a word of
    another tool."""
    word, known = str(path[-1]), fields_at(model, path[:-1])
    if "command" in known and (meant := remedy(word)):
        return "", meant
    return suggestion(word, set(known)), ""


def _of_choice(
    model: type[BaseModel], place: Path, faults: list[_Fault], data: Any
) -> list[Complaint]:
    """Of what all the branches say, what the one that was meant says."""
    known = fields_at(model, place)
    inner = [fault for fault in faults if len(fault.path) > len(place) and fault.kind != "missing"]
    wrong = [fault for fault in inner if fault.kind != "extra_forbidden"]
    strange = [fault for fault in inner if fault.path[-1] not in known]
    if place[-2:-1] == ("env",) and any(_at(data, fault.path) is None for fault in strange):
        wrong = strange = []  # `{s3cret}`: a key without a value may be a secret, never repeated
    if wrong or strange:
        return [_complaint(model, fault, data) for fault in wrong or strange]
    if _at(data, place) is None:
        return [Complaint(place, _NO_VALUE.message, remedy=_NO_VALUE.remedy)]
    if "env" in place[-2:-1]:
        return [Complaint(place, f"must be text, or one of {_ENV_FORMS}")]
    if place[-1:] == ("port",):
        return [Complaint(place, "must be a port, 1 to 65535, or {perInstance: FIRST}")]
    return [_complaint(model, faults[0], data)._replace(path=place)]


def _at(data: Any, path: Path) -> Any:
    """The value there; Ellipsis where there is none."""
    for step in path:
        try:
            data = data[step]
        except (LookupError, TypeError):
            return ...
    return data
