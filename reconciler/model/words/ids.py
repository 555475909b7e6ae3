"""Numbers in the place of names of users and groups."""

from __future__ import annotations

import re

_ID = re.compile(r"[0-9]{1,10}")


def is_id(text: str) -> bool:
    """Whether a user or group is given by its number (``"²"`` is a digit to Python, too)."""
    return _ID.fullmatch(text) is not None
