"""Values of a query's parameters, checked. HTTPException (400) where one is not valid."""

from __future__ import annotations

from datetime import datetime

from starlette.exceptions import HTTPException

LATEST = 1e11
"""Seconds since 1970 that are still a time: the year 5138."""


def whole_number(name: str, text: str, most: int | None = None) -> int:
    """A number of 0 or more; ``most``: and no more than that."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise HTTPException(400, f"{name} must be a whole number")
    if most is not None and int(text) > most:
        raise HTTPException(400, f"{name} must be {most:,} or less")
    return int(text)


def moment(name: str, text: str | None) -> float | None:
    """Wall seconds, from ISO 8601 or as they are."""
    if text is None:
        return None
    try:
        plain = text.isascii() and text.replace(".", "", 1).isdecimal() and len(text) < 20
        found = float(text) if plain else datetime.fromisoformat(text).timestamp()
    except (ValueError, OverflowError):
        found = -1.0
    if 0 <= found <= LATEST:
        return found
    message = f"{name} must be a time such as 2026-11-30T14:00:00Z, or seconds since 1970"
    raise HTTPException(400, message)


def flag(name: str, text: str | None) -> bool:
    """``1`` or ``0``; not there: False."""
    if text not in (None, "0", "1"):
        raise HTTPException(400, f"{name} must be 1 or 0")
    return text == "1"
