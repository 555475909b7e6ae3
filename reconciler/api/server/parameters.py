"""Values of a query's parameters, checked. RefusedError (400) where one is not valid."""

from __future__ import annotations

from datetime import datetime

from reconciler.api.asgi.refusal import RefusedError

LATEST = 1e11
"""Seconds since 1970 that are still a time: the year 5138."""


def whole_number(name: str, text: str, most: int | None = None) -> int:
    """A number of 0 or more; ``most``: and no more than that."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise RefusedError(f"{name} must be a whole number", 400)
    if most is not None and int(text) > most:
        raise RefusedError(f"{name} must be {most:,} or less", 400)
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
    raise RefusedError(message, 400)


def flag(name: str, text: str | None) -> bool:
    """``1`` or ``0``; not there: False."""
    if text not in (None, "0", "1"):
        raise RefusedError(f"{name} must be 1 or 0", 400)
    return text == "1"
