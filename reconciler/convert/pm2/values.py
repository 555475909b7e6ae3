"""JavaScript's values as PM2 reads them: the text of anything, numbers, lists of words."""

from __future__ import annotations

import json
import math
import re
from typing import Any

# PM2: ``Config._valid``, which splits what may be a list.
_WORDS = re.compile(
    r"""[^\s"'=]+="[^"]*"|[^\s"'=]+='[^']*'|"[^"]*"|'[^']*'|\S+""",
)
_EXACT = 2**53
_LONE = re.compile("[\ud800-\udfff]")


def text_of(value: Any) -> str:
    """``String(value)``, of objects their JSON; what is no Unicode becomes U+FFFD, as in Node."""
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value)
    return _LONE.sub("\ufffd", _json(value))


def number_of(value: Any) -> float | None:
    """What PM2 takes for a number; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        found = float(value)
    except (ValueError, OverflowError):
        return None
    return found if math.isfinite(found) else None


def words_of(value: Any) -> list[str]:
    """A list, or a string that PM2 splits: quotes hold words together and are dropped."""
    if isinstance(value, list):
        return [text_of(one) for one in value]
    if not isinstance(value, str):
        return []
    found = (_unquoted(word) for word in _WORDS.findall(text_of(value)))
    return [word for word in found if word.strip()]


def is_true(value: Any) -> bool:
    return value is True or (isinstance(value, str) and value.lower() == "true")


def _unquoted(word: str) -> str:
    return word[1:-1] if word[0] == word[-1] and word[0] in "\"'" else word


def _json(value: Any) -> str:
    """``JSON.stringify``."""
    if isinstance(value, dict):
        kept = {name: inner for name, inner in value.items() if inner != {"$": "undefined"}}
        entries = (f"{_json(name)}:{_json(inner)}" for name, inner in kept.items())
        return "{" + ",".join(entries) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_json, value)) + "]"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _number(value)
    return json.dumps(value, ensure_ascii=False)


def _number(value: float) -> str:
    """ECMAScript's ``Number::toString``: the shortest digits, exponents from 1e21 and 1e-7 on."""
    if isinstance(value, int) and abs(value) <= _EXACT:
        return str(value)
    try:
        value = float(value)
    except OverflowError:
        value = math.inf if value > 0 else -math.inf
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{sign}Infinity"
    return sign + _placed(*_digits(abs(value)))


def _digits(value: float) -> tuple[str, int]:
    """The shortest digits, without zeros at the ends, and how many stand before the point."""
    mantissa, _, exponent = repr(value).partition("e")
    whole, _, part = mantissa.partition(".")
    digits = (whole + part).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + part) - len(digits))
    return digits.rstrip("0"), point


def _placed(digits: str, point: int) -> str:
    if len(digits) <= point <= 21:
        return digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return f"0.{'0' * -point}{digits}"
    tail = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{digits[0]}{tail}e{'+' if point > 0 else '-'}{abs(point - 1)}"
