"""What the journal remembers of an app, as JSON and back. Additive in both directions.

A document is decoded by type: a key that is missing has its default, a wrong type is a
``RecordError``. Keys that this release does not know, from a newer one, are kept and written back.

Release 0.1.0 fails on a key that it does not know. So what it knows (``_FIRST``) is one document,
which it can read, and what was added since is a second one beside it. Where 0.1.0 has written the
first one meanwhile, the second one is out of date and is ignored.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from functools import lru_cache
from typing import Any, NoReturn, TypeAlias

from pydantic import TypeAdapter, ValidationError

from reconciler.model.state.memory import AppMemory, Ended, Eviction, Failure, GivenUp, Run
from reconciler.model.state.observed import Exit
from reconciler.model.state.revision import Revision
from reconciler.model.state.trend import Trend
from reconciler.model.words.nothing import NOTHING

VERSION = 2
"""Of the documents: what 0.1.0 wrote is 1. A greater one only has more keys."""
_LATEST = 1e11
"""Seconds: beyond every date that Python can print."""

_MEMORY = TypeAdapter(AppMemory)
_APART = {"revisions"}
_TREND = TypeAdapter(Trend)

_EXIT = frozenset({"code", "signal", "reason", "detail"})
_ENDED = frozenset({"hash", "exit", "at", "failures", "retry_at", "fault", "served"})
_EVICTION = frozenset({"hash", "limit", "nonce", "started_at", "at", "times", "replace_at", "told"})
_RUN = frozenset(
    {"number", "hash", "why", "created_at", "due_at", "began_at", "ended_at", "outcome", "reason"}
    | {"failures", "exit", "fault", "trying", "retry_at", "began_boot"}
)
_FIRST = frozenset(
    {"ended", "evictions", "restarts", "restart_requested_at", "begun", "dependency_starts"}
    | {"progressed_at", "progress", "paused", "canary", "unbuilt", "limited", "runs", "last_run"}
    | {"called_revision", "scheduled", "scheduled_until", "held_back", "boot_id"}
)
"""The keys that release 0.1.0 knows, and those of what is nested in them."""
_FAILURES = (("canary ", Failure.CANARY), ("its build ", Failure.BUILD))
"""How release 0.1.0 begins the sentence of why a revision has failed."""
_NESTED: Mapping[str, frozenset[str]] = {"ended": _ENDED, "evictions": _EVICTION, "runs": _RUN}
_WITH_MESSAGE = ("evictions", "given_up")
"""Objects by number whose ``message`` is the key ``told``: that is how 0.1.0 knows it."""

Document: TypeAlias = dict[str, Any]


class RecordError(Exception):
    """A row that is not what any release writes; the text says why."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """The keys of a document that this release does not know, to be written back with it."""

    keys: Mapping[str, Any]
    """At this level."""
    below: Mapping[str, tuple[Document, Unknown]]
    """By key: the part that we know as it was read, and what is unknown in it. Once the known
    part is another, the rest may not be true of it, and is dropped."""


def dump(memory: AppMemory, unknown: Unknown | None = None) -> tuple[str, str | None]:
    """The document that 0.1.0 can read, and the one of what came later (None: nothing did)."""
    whole = _document(memory)
    foreign = unknown.keys if unknown is not None else {}
    added = [name for name in whole if name not in _FIRST and name not in foreign]
    first = {name: value for name, value in whole.items() if name not in added}
    more = {name: whole[name] for name in added if whole[name] != _BLANK[name]}
    for name, known in _NESTED.items():
        first[name], nested = _split(whole[name], known)
        if nested:
            more[name] = nested
    if unknown is not None:
        first = _merged(first, whole, unknown)
    text = json.dumps({**first, "runs": [*first["runs"].values()]})
    if not more:
        return text, None
    return text, json.dumps({"version": VERSION, "of": _digest(text), "more": more})


def load(first: object, later: object = None) -> tuple[AppMemory, Unknown | None]:
    """The memory (without revisions), and what is to be written back with it. RecordError."""
    whole, more = _parsed(first), _more(first, later)
    if "\\ud" in str(first):
        whole = _printable(whole)
    runs = whole.get("runs", [])
    if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
        raise RecordError("runs is not a list of objects")
    whole["runs"] = {str(run.get("number")): run for run in runs}
    for name, value in more.items():
        if name not in _NESTED:
            whole[name] = value
        elif isinstance(value, dict):
            _put_nested(whole.get(name), value)
    renamed = _renamed(whole, "told", "message")
    decoded = _decoded(_MEMORY, {**renamed, "runs": [*whole["runs"].values()], "revisions": ()})
    _check(decoded)
    return decoded, None if _is_known(whole) else _rest(whole, _document(decoded))


def load_revision(row: Mapping[str, Any]) -> Revision:
    """A row of the table ``revision``. RecordError."""
    number, hash, failed = row["number"], row["hash"], row["failed"]
    if not isinstance(number, int) or not isinstance(hash, str):
        raise RecordError("its number or its hash is missing")
    if not isinstance(failed, str | None):
        raise RecordError("failed is not text")
    spec = _parsed(row["spec"])
    marks = _parsed(row["marks"]) if row["marks"] not in (None, "{}") else NOTHING
    if not all(isinstance(mark, str) for mark in marks.values()):
        raise RecordError("marks are not text")
    return Revision(number, hash, spec, marks, moment(row["created_at"]), bool(row["good"]), failed)


def with_failures(memory: AppMemory) -> AppMemory:
    """The memory in which it is typed why revisions were given up. What 0.1.0 has written tells
    it only by how the sentence begins; all that begin otherwise were late."""
    found = {
        one.number: GivenUp(failure, one.failed)
        for one in memory.revisions
        if one.failed and one.number not in memory.given_up
        for start, failure in _FAILURES
        if one.failed.startswith(start)
    }
    return replace(memory, given_up={**memory.given_up, **found}) if found else memory


def dump_revision(revision: Revision) -> tuple[str, str]:
    """The spec and the marks of a revision."""
    return json.dumps(revision.spec), json.dumps(dict(revision.marks))


def load_trend(text: object) -> Trend:
    """A trend as ``dump_trend`` wrote it. RecordError."""
    trend: Trend = _decoded(_TREND, _parsed(text))
    return trend


@lru_cache(maxsize=64)
def dump_trend(trend: Trend) -> str:
    """Most of a thousand instances have the same one: nothing was ever reported of them."""
    return json.dumps(asdict(trend))


def moment(value: object) -> float:
    """A wall time that can be printed; 0 for none. RecordError."""
    if value is None:
        return 0.0
    if not isinstance(value, int | float) or not 0 <= value < _LATEST:
        raise RecordError(f"{value!r} is not a valid time")
    return float(value)


def _document(memory: AppMemory) -> Document:
    """All that we know, runs by number."""
    found: Document = _MEMORY.dump_python(memory, mode="json", exclude=_APART, warnings=False)
    found["runs"] = {str(run["number"]): run for run in found["runs"]}
    return _renamed(found, "message", "told")


def _renamed(document: Document, key: str, to: str) -> Document:
    """The document with the key of a message, in the objects of ``_WITH_MESSAGE``, renamed."""
    changed = {
        name: {number: _with_key(one, key, to) for number, one in objects.items()}
        for name in _WITH_MESSAGE
        if (objects := document.get(name)) and isinstance(objects, dict)
    }
    return {**document, **changed} if changed else document


def _with_key(one: Any, key: str, to: str) -> Any:
    if not isinstance(one, dict):
        return one
    return {to if name == key else name: value for name, value in one.items()}


def _split(objects: Document, known: frozenset[str]) -> tuple[Document, Document]:
    """Objects by number as 0.1.0 knows them, and what has been added to them since."""
    first, more = {}, {}
    for number, one in objects.items():
        added = {key: one[key] for key in one if key not in known}
        exit = one.get("exit")
        of_exit = {key: exit[key] for key in exit if key not in _EXIT} if exit else {}
        if of_exit:
            added["exit"] = of_exit
            one = {**one, "exit": {key: exit[key] for key in exit if key in _EXIT}}  # noqa: PLW2901
        first[number] = {key: one[key] for key in one if key in known} if added else one
        if added:
            more[number] = added
    return first, more


def _put_nested(objects: object, more: Document) -> None:
    if not isinstance(objects, dict):
        return
    for number, added in more.items():
        one = objects.get(number)
        if isinstance(one, dict) and isinstance(added, dict):
            of_exit = added.pop("exit", None)
            one.update(added)
            if isinstance(of_exit, dict) and isinstance(one.get("exit"), dict):
                one["exit"].update(of_exit)


def _more(first: object, later: object) -> Document:
    """What was added since 0.1.0, where it belongs to this very first document."""
    if later is None:
        return {}
    found = _parsed(later)
    more = found.get("more")
    if found.get("of") != _digest(str(first)) or not isinstance(more, dict):
        return {}
    return more


def _is_known(whole: Document) -> bool:
    """Whether no key of it is unknown: nearly always, and quickly seen."""
    if not whole.keys() <= _FIELDS[AppMemory]:
        return False
    for name, kind in _KINDS.items():
        for one in whole.get(name, {}).values():
            exit = one.get("exit")
            if not one.keys() <= _FIELDS[kind] or (exit and not exit.keys() <= _FIELDS[Exit]):
                return False
    return True


def _rest(read: Mapping[str, Any], known: Mapping[str, Any]) -> Unknown | None:
    """What was read and is not known."""
    keys = {name: value for name, value in read.items() if name not in known}
    below = {}
    for name, value in read.items():
        own = known.get(name)
        if isinstance(value, dict) and isinstance(own, dict):
            rest = _rest(value, own)
            if rest is not None:
                below[name] = (own, rest)
    return Unknown(keys, below) if keys or below else None


def _merged(written: Document, document: Document, unknown: Unknown) -> Document:
    """``written``, a part of ``document``, with what is unknown of it."""
    merged = {**written, **unknown.keys}
    for name, (known, rest) in unknown.below.items():
        now, below = document.get(name), written.get(name)
        if isinstance(now, dict) and isinstance(below, dict) and (now == known or name in _NESTED):
            merged[name] = _merged(below, now, rest)
    return merged


def _parsed(text: object) -> Document:
    """A JSON object without what JSON has no word for. RecordError."""
    if not isinstance(text, str | bytes):
        raise RecordError("there is no JSON text")
    try:
        found = _DECODER.decode(text if isinstance(text, str) else text.decode())
    except (ValueError, RecursionError) as error:
        raise RecordError(f"it is not valid JSON: {error}") from None
    if not isinstance(found, dict):
        raise RecordError("it is not a JSON object")
    return found


def _printable(value: Any) -> Any:
    """The same with each character that is not a character (of a file's name) as an escape."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, list):
        return [_printable(one) for one in value]
    if isinstance(value, dict):
        return {_printable(name): _printable(one) for name, one in value.items()}
    return value


def _refuse(word: str) -> NoReturn:
    raise ValueError(f"{word} is not a number")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text} is not a number")
    return value


def _decoded(adapter: TypeAdapter[Any], data: Mapping[str, Any]) -> Any:
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        path = ".".join(map(str, first["loc"]))
        raise RecordError(f"{path}: {first['msg']}") from None


def _check(memory: AppMemory) -> None:
    """Wall times that can be printed."""
    for at in _wall_times(memory):
        moment(at)


def _wall_times(memory: AppMemory) -> Iterator[float | None]:
    yield from (memory.scheduled_until, memory.held_back)
    for run in memory.runs:
        yield from (run.created_at, run.due_at, run.began_at, run.ended_at)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:16]


_BLANK = _document(AppMemory())
_DECODER = json.JSONDecoder(parse_constant=_refuse, parse_float=_finite)
_KINDS: Mapping[str, type] = {"ended": Ended, "left": Ended, "evictions": Eviction, "runs": Run}
_FIELDS: Mapping[type, frozenset[str]] = {
    kind: frozenset(field.name for field in fields(kind)) for kind in (AppMemory, Ended, Run, Exit)
} | {Eviction: _EVICTION}
