"""The journal's file with bytes flipped, cut off or put in. Never an exception, and never a Job
that ran and is unknown while the journal calls itself whole.

Each three bytes are a place and what is changed there; the last byte of an odd rest cuts it off."""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.fuzz.targets import journal

SEEDS = (
    b";\xc0\xc6",
    b"\0\0\1",
    b"\x10\x00\xff\x20\x00\xff",
    b"\0\x12\2",
    b"\0\x64\x55\0\x65\x55",
    b"\x40",
)


def check(data: bytes) -> None:
    """Damage it, and use it twice."""
    content = bytearray(journal.template())
    whole = len(data) - len(data) % 3
    for at in range(0, whole, 3):
        content[int.from_bytes(data[at : at + 2]) * 5 % len(content)] ^= data[at + 2]
    if len(data) % 3 == 1:
        del content[len(content) * data[-1] // 256 :]
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder, "recon.db")
        path.write_bytes(content)
        journal.exercise(path)
        journal.exercise(path)
