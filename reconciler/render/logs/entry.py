"""A line of JSON that a logger wrote, taken apart: time, level, message, other fields.

Known are the fields of pino, bunyan, winston, structlog, zerolog, zap, python-json-logger, ECS and
GELF. The line is other people's text: its length, its depth and the number of fields are bounded,
and no control character of it is kept.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from reconciler.model.words.printable import plain
from reconciler.render.cells import clip
from reconciler.render.logs.level import Level, level_of
from reconciler.render.terminal import uncoloured

_LONGEST = 256 * 1024
"""Characters of a line that is looked at; a longer one is data, not a message."""
_FIELDS = 40
_VALUE = 200
"""Columns of a value."""
_MESSAGE = 4000
_DEEP = 3
"""So far nested fields are named by their path; what lies deeper is shown as JSON."""
_STACK = 40
"""Lines of a stack trace."""

_TIMES = ("time", "timestamp", "@timestamp", "ts", "asctime", "datetime", "date", "t")
_LEVELS = ("level", "severity", "lvl", "levelname", "log.level", "loglevel", "log_level", "@level")
_MESSAGES = ("msg", "message", "event", "@message", "short_message")
_STACKS = (
    "stack",
    "stacktrace",
    "stack_trace",
    "exc_info",
    "exception",
    "traceback",
    "error.stack",
)
_OF_PROCESS = ("pid", "hostname", "v")
"""What pino and bunyan say of the process, which recon says already."""


class Entry(NamedTuple):
    """What a line of JSON says. No text in it holds a control character."""

    time: str
    """``HH:MM:SS.mmm`` in local time, or as it was written; empty where none is."""
    level: Level | None
    message: str
    fields: tuple[tuple[str, str], ...]
    """The other fields, in their order: a name and a value as they are printed."""
    more: int
    """How many fields were left out."""
    stack: tuple[str, ...]
    """The lines of a stack trace."""


def parsed(text: str) -> Entry | None:
    """The entry that a line is; None where it is none, which then is to be shown as it is."""
    text = text.strip()
    if not (text.startswith("{") and text.endswith("}")) or len(text) > _LONGEST:
        return None
    try:
        document = json.loads(text)
        return _entry(document) if isinstance(document, dict) else None
    except (ValueError, RecursionError):
        return None


def _entry(document: dict[str, Any]) -> Entry | None:
    log = document.get("log")
    if isinstance(log, dict) and isinstance(log.get("level"), str):  # ECS
        document = {**document, "log.level": log["level"]}
        document.pop("log")
    taken: set[str] = set()
    level = _first(document, _LEVELS, level_of, taken)
    message = _first(document, _MESSAGES, lambda it: it if isinstance(it, str) else None, taken)
    if level is None and message is None:
        return None  # an answer of a program rather than a message of a logger
    time = _first(document, _TIMES, clock_of, taken)
    if isinstance(document.get("level"), int):
        taken.update(_OF_PROCESS)
    stack, rest = _stack({key: it for key, it in document.items() if key not in taken})
    named = [*_named(rest, "", 1)]
    shown = tuple((_clean(name, _VALUE), _value(value)) for name, value in named[:_FIELDS])
    return Entry(
        time or "", level, _clean(message or "", _MESSAGE), shown, len(named) - len(shown), stack
    )


def _first(document: Mapping[str, Any], keys: tuple[str, ...], read: Any, taken: set[str]) -> Any:
    """What the first of these fields that can be read says; its name is taken then."""
    for key in keys:
        if key in document and (found := read(document[key])) is not None:
            taken.add(key)
            return found
    return None


def clock_of(value: Any) -> str | None:
    """A time as ``HH:MM:SS.mmm`` here; text that is no time as it is; None where it is neither.

    A number counts from 1970: seconds, or by its size milli-, micro- or nanoseconds.
    """
    try:
        if isinstance(value, str):
            when = datetime.fromisoformat(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            when = _of_epoch(value)
        else:
            return None
        return when.astimezone().strftime("%H:%M:%S.%f")[:-3]
    except (ValueError, OverflowError, OSError):
        return _clean(value, 40) if isinstance(value, str) and value else None


def _of_epoch(value: float) -> datetime:
    if not math.isfinite(value) or value < 1e8:  # before 1973: a duration, a counter
        raise ValueError
    for least, unit in ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3)):
        if value >= least:
            return datetime.fromtimestamp(value / unit)
    return datetime.fromtimestamp(value)


def _stack(fields: dict[str, Any]) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The lines of the first stack trace, and the fields without it."""
    for key in _STACKS:
        if isinstance(fields.get(key), str) and "\n" in fields[key]:
            return _lines(fields.pop(key)), fields
    for key in ("err", "error"):  # pino, bunyan: an Error with its name, message and stack
        error = fields.get(key)
        if isinstance(error, dict) and isinstance(error.get("stack"), str):
            return _lines(error["stack"]), {
                **fields,
                key: {name: it for name, it in error.items() if name != "stack"},
            }
    return (), fields


def _lines(text: str) -> tuple[str, ...]:
    lines = [_clean(line, _VALUE) for line in text.splitlines()[: _STACK + 1] if line.strip()]
    return (*lines[:_STACK], "…") if len(lines) > _STACK else tuple(lines)


def _named(fields: Mapping[str, Any], above: str, depth: int) -> Iterator[tuple[str, Any]]:
    """The fields, those of fields below by their path."""
    for key, value in fields.items():
        if isinstance(value, dict) and value and depth < _DEEP:
            yield from _named(value, f"{above}{key}.", depth + 1)
        else:
            yield f"{above}{key}", value


def _value(value: Any) -> str:
    """As it is where it is a word, else as JSON."""
    if isinstance(value, str):
        cut = _clean(value, _VALUE)
        is_word = cut and not any(char in ' "=' for char in cut)
        return cut if is_word else json.dumps(cut, ensure_ascii=False)
    return _clean(json.dumps(value, ensure_ascii=False), _VALUE)


def _clean(text: str, columns: int) -> str:
    return clip(plain(uncoloured(text[: 2 * columns])), columns)
