"""A controller that is quiet again gives back what it needed before, once."""

from __future__ import annotations

import asyncio

import pytest

from reconciler.api.daemon import leanness
from reconciler.api.daemon.leanness import Leanness

MIB = 2**20


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How large the process is at the next looks; after giving back it has 40 MiB."""
    sizes: list[int] = []
    monkeypatch.setattr(leanness, "resident", lambda: sizes.pop(0))
    monkeypatch.setattr(leanness, "give_back", lambda: sizes.insert(0, 40 * MIB))
    return sizes


def kept(lean: Leanness, sizes: list[int], *looks: int) -> list[bool]:
    """Whether each look gave something back."""
    found = []
    for size in looks:
        sizes[:] = [size]
        asyncio.run(lean.keep())
        found.append(lean._before != size)
    return found


def test_nothing_is_given_back_while_it_grows(looked: list[int]) -> None:
    assert kept(Leanness(), looked, 45 * MIB, 50 * MIB, 55 * MIB) == [False] * 3


def test_it_is_given_back_once_it_is_quiet(looked: list[int]) -> None:
    assert kept(Leanness(), looked, 50 * MIB, 50 * MIB, 41 * MIB, 41 * MIB) == [
        *(False, True, False, False)
    ]


def test_it_is_given_back_again_after_it_has_grown_by_much(looked: list[int]) -> None:
    lean = Leanness()
    kept(lean, looked, 50 * MIB, 50 * MIB)
    assert kept(lean, looked, 42 * MIB, 42 * MIB, 60 * MIB, 60 * MIB) == [
        *(False, False, False, True)
    ]
