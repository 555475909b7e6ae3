"""A dict that is copied on write: a copy is cheap, however large the dict is, and shares the rest.

A look at one manifest among a thousand is made on a copy of all that is known of them. Copying
that whole takes milliseconds where it is not in the processor's cache: longer than the look.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping
from typing import Any, Final, TypeVar

K = TypeVar("K")
V = TypeVar("V")

_GONE: Final[Any] = object()
_NONE: Final[Any] = object()


class CowDict(MutableMapping[K, V]):
    """Keys keep the order of a dict. ``copy`` costs what was changed lately."""

    __slots__ = ("_base", "_changes")

    def __init__(self) -> None:
        self._base: dict[K, V] = {}
        """Shared with copies, so never written."""
        self._changes: dict[K, V] = {}
        """What differs from it; ``_GONE`` for keys that were removed."""

    def copy(self) -> CowDict[K, V]:
        """Another table with the same content. ``self`` is not touched: others may be reading."""
        fresh: CowDict[K, V] = CowDict()
        if len(self._changes) ** 2 > len(self._base):  # rarely enough for what a whole copy costs
            fresh._base = self.to_dict()
        else:
            fresh._base, fresh._changes = self._base, {**self._changes}
        return fresh

    def to_dict(self) -> dict[K, V]:
        """A dict with the same content."""
        whole = {**self._base, **self._changes}
        for key in [key for key, value in self._changes.items() if value is _GONE]:
            del whole[key]
        return whole

    def __getitem__(self, key: K) -> V:
        found: V = self._changes.get(key, _NONE)
        if found is _NONE:
            return self._base[key]
        if found is _GONE:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        if key in self._changes:
            return self._changes[key] is not _GONE
        return key in self._base

    def __setitem__(self, key: K, value: V) -> None:
        self._changes[key] = value

    def __delitem__(self, key: K) -> None:
        if key not in self:
            raise KeyError(key)
        if key in self._base:
            self._changes[key] = _GONE
        else:
            del self._changes[key]

    def __iter__(self) -> Iterator[K]:
        return iter(self.to_dict())

    def __len__(self) -> int:
        return len(self.to_dict())
