"""Whether a text may hold a secret, told without knowing it.

Logs are read by a worker process, which has no secrets. It gets a number of each of their pieces,
of 32 bits, and looks for pieces of a text with one of these numbers. Another text has the same
number once in four billion times; so what is found is looked at again by one that knows.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from typing import NamedTuple

LENGTH = 8
"""Characters of a piece."""


class Fingerprints(NamedTuple):
    """The numbers of some pieces. ``key`` is drawn by each controller."""

    key: int
    numbers: frozenset[int]

    def may_be_in(self, text: str) -> bool:
        """Whether the text has such a piece."""
        if not self.numbers:
            return False
        key, numbers, crc = self.key, self.numbers, zlib.crc32
        return any(
            crc(text[at : at + LENGTH].encode(errors="replace"), key) in numbers
            for at in range(len(text) - LENGTH + 1)
        )


def of_pieces(pieces: Iterable[str], key: int) -> Fingerprints:
    """The fingerprints of these pieces, each of ``LENGTH`` characters."""
    numbers = (zlib.crc32(piece.encode(errors="replace"), key) for piece in pieces)
    return Fingerprints(key, frozenset(numbers))
