"""Reads times back that were written by ``strftime`` before the lines of a log.

Only a format that has the whole date says when a line was written: with one like ``%H:%M:%S`` the
times are told from the lines nevertheless, and mean nothing here.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from functools import lru_cache

Reader = Callable[[bytes], tuple[int, float | None] | None]
"""(bytes that it takes up, wall time in seconds or None) of a line's time; None without one."""

_SAME_AS = {"F": "%Y-%m-%d", "T": "%H:%M:%S", "R": "%H:%M", "D": "%m/%d/%y", "h": "%b"}
_SAME_AS |= {"r": "%I:%M:%S %p", "c": "%a %b %e %H:%M:%S %Y", "x": "%m/%d/%y", "X": "%H:%M:%S"}
_TWO, _PADDED = rb"\d\d", rb"[ \d]\d"
_FORMS = {
    "Y": rb"\d{4}",
    "f": rb"\d{6}",
    "j": rb"\d{3}",
    "s": rb"\d+",
    **dict.fromkeys("ymdHIMSUWVgC", _TWO),
    **dict.fromkeys("ekl", _PADDED),
    "w": rb"\d",
    "u": rb"\d",
    "G": rb"\d{4}",
    "z": rb"(?:[+-]\d{4,6})?",
    "Z": rb"\S*",
    **dict.fromkeys("bBaA", rb"[^\s\d]+"),
    **dict.fromkeys("pP", rb"[A-Za-z.]*"),
}
_MEANS = {"e": "d", "k": "H", "l": "I", "B": "b", "P": "p"}
_NEEDED = set("YymbdjHIpMSfzs")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_STEP = re.compile(r"%([-_0^#]?)(.)|([^%]+)", re.DOTALL)


@lru_cache(maxsize=64)
def reader(form: str) -> Reader:
    """Reads what ``strftime(form)`` and a blank behind it put before a line."""
    pattern = re.compile(_pattern(form) + rb" ", re.DOTALL)

    @lru_cache(maxsize=4096)  # all lines of a chunk have one time
    def when(text: bytes) -> float | None:
        match = pattern.fullmatch(text)
        parts = match.groupdict() if match is not None else {}
        try:
            return _time_of({name: text.decode() for name, text in parts.items()})
        except (ValueError, OverflowError, OSError):
            return None

    def read(line: bytes) -> tuple[int, float | None] | None:
        match = pattern.match(line)
        return None if match is None else (match.end(), when(match[0]))

    return read


def _pattern(form: str) -> bytes:
    known: set[str] = set()
    found = []
    while (longer := re.sub(r"%([FTRDhrcxX])", lambda m: _SAME_AS[m[1]], form)) != form:
        form = longer
    for flag, letter, literal in _STEP.findall(form):
        if literal or letter == "%":
            found.append(re.escape((literal or "%").encode()))
            continue
        text = _FORMS.get(letter, rb".*?")
        if flag == "-":
            text = rb"\d+" if text in (_TWO, _PADDED, rb"\d{3}") else text
        name = _MEANS.get(letter, letter)
        if name in _NEEDED and name not in known:
            known.add(name)
            text = b"(?P<%s>%s)" % (name.encode(), text)
        found.append(text)
    return b"".join(found)


def _time_of(parts: dict[str, str]) -> float | None:
    """ValueError where they are not a time."""
    if "s" in parts:
        return int(parts["s"]) + _fraction(parts)
    if "Y" in parts:
        year = int(parts["Y"])
    elif "y" in parts:  # as POSIX has it
        year = int(parts["y"])
        year += 2000 if year < 69 else 1900
    else:
        return None
    if "j" in parts:
        day = datetime(year, 1, 1) + timedelta(days=int(parts["j"]) - 1)
    elif "d" in parts and ("m" in parts or "b" in parts):
        day = datetime(year, _month(parts), int(parts["d"]))
    else:
        return None
    whole = day + timedelta(
        hours=_hour(parts), minutes=int(parts.get("M", 0)), seconds=int(parts.get("S", 0))
    )
    if parts.get("z"):
        return whole.replace(tzinfo=_zone(parts["z"])).timestamp() + _fraction(parts)
    return time.mktime(whole.timetuple()) + _fraction(parts)


def _month(parts: dict[str, str]) -> int:
    return int(parts["m"]) if "m" in parts else 1 + _MONTHS.index(parts["b"][:3].lower())


def _hour(parts: dict[str, str]) -> int:
    if "H" in parts:
        return int(parts["H"])
    if "I" not in parts:
        return 0
    return int(parts["I"]) % 12 + 12 * parts.get("p", "").lower().startswith("p")


def _zone(text: str) -> timezone:
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[3:5]), seconds=int(text[5:7] or 0))
    return timezone(-offset if text[0] == "-" else offset)


def _fraction(parts: dict[str, str]) -> float:
    return int(parts["f"]) / 1e6 if "f" in parts else 0.0
