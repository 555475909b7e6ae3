"""The body of a request: one JSON object, of which each field is known and has its type."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any, TypeGuard

from reconciler.api.asgi.refusal import RefusedError
from reconciler.model.words.closest import closest

_BY_CORES = ("max", "max-1")
_MOST_INSTANCES = 100_000
_MOST_REVISION = 2**53
"""Numbers that each reader of JSON holds exactly (RFC 8259, section 6)."""


class Body:
    """The fields of one request. Each method raises RefusedError (400) for another type."""

    def __init__(self, text: bytes, allowed: Collection[str]) -> None:
        """RefusedError where it is no object, or has a field that is not ``allowed``."""
        self._fields = _object(text)
        for name in self._fields:
            if name not in allowed:
                close = closest(name, allowed)
                hint = f"did you mean {close}?" if close else f"there are {_listed(allowed)}"
                raise _invalid(f"{json.dumps(name[:60])} is not a field of this body; {hint}")

    def flag(self, name: str) -> bool:
        """A boolean; False where it is not there."""
        value = self._fields.get(name, False)
        if not isinstance(value, bool):
            raise _invalid(f"{name} is not a boolean; write true or false")
        return value

    def instances(self, name: str) -> int | str:
        """How many instances: a number, ``max`` or ``max-1``."""
        value = self._fields.get(name)
        if value in _BY_CORES and isinstance(value, str):
            return value
        if _is_number(value) and 0 <= value <= _MOST_INSTANCES:
            return int(value)
        message = f"write a number from 0 to {_MOST_INSTANCES:,}, max or max-1"
        raise _invalid(f"{name} is not a count of instances; {message}")

    def revision(self, name: str) -> int:
        """The number of a revision; 0 where none is given: the last good one."""
        value = self._fields.get(name)
        if value is None:
            return 0
        if _is_number(value) and 0 <= value <= _MOST_REVISION:
            return int(value)
        raise _invalid(f"{name} is not the number of a revision; write e.g. 3")


def _object(text: bytes) -> dict[str, Any]:
    try:
        body = json.loads(text or b"{}")
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise _invalid("the body of the request must be a JSON object")
    return body


def _is_number(value: Any) -> TypeGuard[int | float]:
    """A whole number; in JSON ``3.0`` is one as well."""
    if isinstance(value, float):
        return value.is_integer()
    return isinstance(value, int) and not isinstance(value, bool)


def _listed(names: Collection[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _invalid(message: str) -> RefusedError:
    return RefusedError(message, 400)
