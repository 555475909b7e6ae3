"""The level of a line of output, as the usual loggers write it, and its colour."""

from __future__ import annotations

import re
from enum import Enum
from typing import Any

from reconciler.render.terminal import paint

_FIRST = 120
"""Characters of a line in which its level is looked for: a level stands before the message."""


class Level(Enum):
    """What loggers have in common, under the names that most of them use."""

    TRACE = "TRACE"
    DEBUG = "DEBUG"
    INFO = "INFO"
    WARN = "WARN"
    ERROR = "ERROR"
    FATAL = "FATAL"

    @property
    def colour(self) -> str:
        return _COLOURS[self]


_COLOURS = {
    Level.TRACE: "dim",
    Level.DEBUG: "cyan",
    Level.INFO: "green",
    Level.WARN: "yellow",
    Level.ERROR: "red",
    Level.FATAL: "red",
}
_WORDS = {
    **dict.fromkeys(("trace", "verbose", "silly", "finest"), Level.TRACE),
    **dict.fromkeys(("debug", "fine", "dbg"), Level.DEBUG),
    **dict.fromkeys(("info", "information", "informational", "notice", "log", "http"), Level.INFO),
    **dict.fromkeys(("warn", "warning", "wrn"), Level.WARN),
    **dict.fromkeys(("error", "err", "severe"), Level.ERROR),
    **dict.fromkeys(
        ("fatal", "critical", "crit", "panic", "dpanic", "alert", "emerg", "emergency"), Level.FATAL
    ),
}
_PINO = {10: Level.TRACE, 20: Level.DEBUG, 30: Level.INFO, 40: Level.WARN, 50: Level.ERROR}
"""pino and bunyan: 60 is fatal; a level of one's own lies between two of these."""
_SYSLOG = (*(Level.FATAL,) * 3, Level.ERROR, Level.WARN, Level.INFO, Level.INFO, Level.DEBUG)
"""RFC 5424, by number: what GELF writes."""

_CAPITALS = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|ERR|FATAL|CRITICAL|PANIC|SEVERE"
_SMALL = "trace|debug|info|notice|warn|warning|error|fatal|critical|crit|panic|alert|emerg"
_IN_LINE = re.compile(
    rf"(?<![\w/.-])(?P<capitals>{_CAPITALS})(?![\w/.=-])"
    rf"|\[(?P<bracketed>{_SMALL})\]"  # nginx, Apache, many of Node's
    rf"|\b(?:level|lvl|severity)[\"']?\s{{0,3}}[=:]\s{{0,3}}[\"']?(?P<named>[A-Za-z]{{3,13}})"
    r"|\"level\"\s{0,3}:\s{0,3}(?P<number>[1-6]0)\b"  # pino, bunyan
    rf"|^(?:\S{{1,40}} )?(?P<first>{_SMALL}):"  # winston's `info: …`, PostgreSQL's kind
)
_TRACEBACK = "Traceback (most recent call last):"


def level_of(value: Any) -> Level | None:
    """The level that a field of this value stands for: a word, or a number of pino or syslog."""
    if isinstance(value, str):
        return _WORDS.get(value.strip().lower())
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= 100:
        return None
    if value < len(_SYSLOG):
        return _SYSLOG[value]
    return Level.FATAL if value >= 60 else _PINO.get(value - value % 10)


def found_in(text: str) -> tuple[Level, int, int] | None:
    """The level that a line of plain text names, and from where to where it stands."""
    if text.startswith(_TRACEBACK):
        return Level.ERROR, 0, len(_TRACEBACK)
    match = _IN_LINE.search(text[:_FIRST])
    if match is None or match.lastgroup is None:
        return None
    text = match[match.lastgroup].lower()
    level = level_of(int(text)) if text.isdecimal() else _WORDS.get(text)
    return (level, *match.span(match.lastgroup)) if level is not None else None


def with_level(text: str, *, colour: bool) -> str:
    """The line with its level in colour; one that has colours of its own stays as it is."""
    if not colour or "\x1b" in text:
        return text
    found = found_in(text)
    if found is None:
        return text
    level, begin, end = found
    return text[:begin] + paint(text[begin:end], level.colour, on=True) + text[end:]
