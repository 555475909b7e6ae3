"""Folders of logs: plain, framed as recon compresses, and compressed by others, damaged.

The first byte says how the rest is written; behind it, flips of bytes for what is framed."""

from __future__ import annotations

import gzip
import io
import tempfile
from pathlib import Path

from reconciler.logs.format import frames
from reconciler.logs.read import past, search
from reconciler.logs.read.files import find
from reconciler.logs.read.request import LogQuery, PastOrder
from reconciler.system.work.session import Session

_TIMED = b"2026-11-24T03:15:%02d.000Z line %d\n"
_LINES = b"".join(_TIMED % (n % 60, n) for n in range(60))
SEEDS = (
    b"\0" + _LINES[:300],
    b"\1\0\x20\x01",
    b"\1\0\x0e\xff",
    b"\2" + gzip.compress(_LINES[:100], mtime=0),
    b"\2" + gzip.compress(_LINES[:100], mtime=0)[:-9],
    b"\3\xff\xfe half",
)


def check(data: bytes) -> None:
    """Read the last lines, all lines, and page by page."""
    if not data:
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        state = Path(name)
        folder = state / "logs/web"
        folder.mkdir(parents=True)
        _write(folder, data[0] % 4, data[1:])
        logs = find(state, ["web"])
        for since, until in ((None, None), (1763954130.0, None), (None, 1795490125.0)):
            few = search.tail(logs, lines=5, since=since, until=until)
            every = list(search.scan(logs, since=since, until=until))
            assert len(few) <= 5 and len(few) <= max(len(every), 5)
        order = PastOrder(LogQuery(state, "web"), 7)
        found = past.look(order, Session())
        assert len(found.lines) <= 7


def _write(folder: Path, kind: int, rest: bytes) -> None:
    current = folder / "0.out.log"
    rotated = folder / "0.out.log.20261124-031600-000000.gz"
    current.write_bytes(_LINES[:200])
    if kind == 0:
        current.write_bytes(rest)
    elif kind == 1:
        packed = io.BytesIO()
        frames.pack(io.BytesIO(_LINES), packed)
        damaged = bytearray(packed.getvalue())
        for at in range(0, len(rest) - 2, 3):
            damaged[int.from_bytes(rest[at : at + 2]) % len(damaged)] ^= rest[at + 2]
        rotated.write_bytes(damaged)
    elif kind == 2:
        rotated.write_bytes(rest)
    else:
        rotated.with_suffix("").write_bytes(rest)
