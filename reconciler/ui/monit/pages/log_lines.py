"""A line of a log as the monitor shows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from reconciler.render.logs.level import with_level
from reconciler.render.logs.pretty import pretty
from reconciler.render.terminal import paint

_COLOURS = ("cyan", "magenta", "blue", "green", "yellow")


def log_lines(line: Mapping[str, Any], *, several: bool, folds: bool = False) -> list[str]:
    """``12:03:10 web-1 ! text``. ``several``: lines of more than one instance are shown;
    ``folds``: lines of JSON are taken apart, which may make several of one."""
    number = line["instance"]
    name = ""
    if several and number is not None:
        colour = _COLOURS[number % len(_COLOURS)]
        name = paint(f"{line['app']}-{number}", colour, on=True) + " "
    if line["stream"] == "notice":
        return [paint(f"{_clock(line['at'])} {line['line']}", "yellow", on=True)]
    mark = paint("!", "red", on=True) if line["stream"] == "stderr" else " "
    head = f"{paint(_clock(line['at']), 'dim', on=True)} {name}{mark} "
    text = line["line"]
    texts = pretty(text, colour=True) if folds else [with_level(text, colour=True)]
    return [head + one for one in texts]


def _clock(iso: str | None) -> str:
    """Hours, minutes and seconds here; blank where a line has no time."""
    try:
        return datetime.fromisoformat(iso or "").astimezone().strftime("%H:%M:%S")
    except ValueError:
        return " " * 8
