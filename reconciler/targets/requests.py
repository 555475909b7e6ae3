"""Several requests to an engine at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_AT_ONCE = 8
"""Nearly as many as kubectl's own limit lets through."""


def each(ask: Callable[[T], R], items: Iterable[T]) -> list[R]:
    """The answers in the order of the items; the first error ends them."""
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        return [*threads.map(ask, items)]
