"""Sizes and times of PM2's keys: read as PM2 does, else as they were meant; each is told.

Source of the rules: PM2 7, ``Config._valid``: a size is a number of bytes, or one with K, M or G;
a time is a number of milliseconds. PM2 starts nothing of a file that says anything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.convert.manifests.draft import Draft, Fate
from reconciler.convert.pm2.schema import is_undefined
from reconciler.convert.pm2.values import number_of, text_of

_SIZE = re.compile(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*([kmgt]?)(?:i?b|bytes?)?\s*", re.IGNORECASE)
_TIME = re.compile(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*(ms|s|sec|secs|m|min|mins|h)\s*", re.IGNORECASE)
_FACTORS = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30, "t": 2**40}
_SECONDS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
_LONGEST = 10**6
_MOST = 2**53
_SMALL = 2**20
"""Less is too little for any program, as ``limits.memory`` has it."""


def size_of(conf: Mapping[str, Any], key: str, draft: Draft) -> str | int | None:
    """A size as recon writes it; None where there is none (0), or none can be read."""
    value = conf.get(key)
    if _is_unset(value):
        return None
    number = number_of(value)
    text = text_of(value)
    if number is None and re.fullmatch(r"\d{1,12}[KMG]", text):
        return text if text.strip("0KMG") else None
    meant = _SIZE.fullmatch(text)
    if number is not None and 0 < number < _MOST:
        found = int(number) or 1
        if found >= _SMALL:
            return found
        note = f"{text} is {found} bytes, in PM2 as well: too little; write limits.memory: 300M"
        draft.note(Fate.TODO, key, note)
        return None
    if number is None and meant is not None and float(meant[1]) > 0:
        written = _written(int(float(meant[1]) * _FACTORS[meant[2].lower()]))
        draft.note(Fate.CHANGED, key, f"{text} is not a valid size in PM2 7; imported as {written}")
        return written
    draft.note(Fate.TODO, key, f"{text[:40]!r} is not a size; write one as 300M")
    return None


def seconds_of(conf: Mapping[str, Any], key: str, draft: Draft) -> float | None:
    """A time, as a whole number where it is one; None where there is none, or none can be read."""
    value = conf.get(key)
    if _is_unset(value):
        return None
    number = number_of(value)
    if number is not None and 0 < number / 1000 < _LONGEST:
        return _whole(number / 1000)
    text = text_of(value)
    meant = _TIME.fullmatch(text)
    if number is None and meant is not None:
        unit = meant[2].lower()
        seconds = _whole(float(meant[1]) * _SECONDS["ms" if unit == "ms" else unit[0]])
        if 0 < seconds < _LONGEST:
            note = f"{text} is not a time in PM2 7, which takes milliseconds; it is {seconds:g} s"
            draft.note(Fate.CHANGED, key, f"{note} here")
            return seconds
    draft.note(Fate.TODO, key, f"{text[:40]!r} is not a time; write one in milliseconds, as 3000")
    return None


def _is_unset(value: Any) -> bool:
    """PM2 takes what is falsy for not there."""
    return is_undefined(value) or value in (False, 0, "", "0")


def _written(size: int) -> str | int:
    """In the largest unit in which it is a whole number."""
    for unit in "GMK":
        if size % _FACTORS[unit.lower()] == 0:
            return f"{size // _FACTORS[unit.lower()]}{unit}"
    return size


def _whole(seconds: float) -> float:
    return int(seconds) if float(seconds).is_integer() else round(seconds, 6)
