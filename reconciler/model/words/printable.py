"""Text of others made harmless to print: a terminal obeys what stands in it."""

from __future__ import annotations

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""Unicode: Bidi_Control. They have text read in another order than it is written."""

CONTROLS = dict.fromkeys((*range(32), *range(127, 160), 0x2028, 0x2029, 0xFEFF, *_BIDI), " ")
"""For ``str.translate``: what could move the cursor, rename the window, or end a line."""


def plain(text: str) -> str:
    """``text`` on one line, each control character in it a blank."""
    return text.translate(CONTROLS)
