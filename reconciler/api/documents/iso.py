"""Times in documents."""

from __future__ import annotations

from datetime import UTC, datetime


def iso(wall: float) -> str:
    """Wall seconds as ISO 8601 in UTC with milliseconds."""
    return datetime.fromtimestamp(wall, UTC).isoformat(timespec="milliseconds")
