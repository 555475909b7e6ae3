"""Not a part of recon: a target that fails, to see that a run finds it."""

from __future__ import annotations

SEEDS = (b"harmless",)


def check(data: bytes) -> None:
    """Fails where the input begins in this way, which only coverage leads to."""
    for place, byte in enumerate(b"OOPS"):
        if data[place : place + 1] != bytes([byte]):
            return
    raise RuntimeError("the planted fault")
