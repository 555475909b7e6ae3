"""The empty mapping of all records that hold none: an empty dict of its own has 64 bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NOTHING: Mapping[Any, Any] = {}
"""Never changed. A dict, since JSON and pickle know no other mapping."""


def nothing() -> Mapping[Any, Any]:
    """The one empty mapping: a default of records."""
    return NOTHING
