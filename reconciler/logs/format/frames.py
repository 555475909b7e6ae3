"""Compressed files that can be read from any point: one frame a block, each with its length.

A gzip file may be several, one after the other, and so may a zstd file: every program that reads
either reads these. Before its content each frame says how long it is, in a place that the format
leaves free (gzip: an extra field, RFC 1952; zstd: a skippable frame, RFC 8878). So a search
for a time in gigabytes goes from frame to frame, and unpacks one or two (``logs.read.compressed``).
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import IO, Any

BLOCK = 2**20
"""Bytes of a log in one frame."""
_LEVEL = 4  # twice as fast as the default of 6, for a few per cent in size

try:
    from compression import zstd as _zstd  # type: ignore[import-not-found]  # Python 3.14
except ImportError:
    _zstd = None


def suffix() -> str:
    """What this Python compresses with, as a file's ending."""
    return ".zst" if _zstd is not None else ".gz"


def pack(source: IO[bytes], target: IO[bytes]) -> None:
    """Compress all of ``source``. OSError."""
    frame = _zstd_frame if _zstd is not None else _gzip_frame
    written = False
    for block in _blocks(source):
        target.write(frame(block))
        written = True
    if not written:
        target.write(frame(b""))


def _blocks(source: IO[bytes]) -> Iterator[bytes]:
    while block := source.read(BLOCK):
        yield block


def _gzip_frame(block: bytes) -> bytes:
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(block) + packer.flush()
    # Magic, deflate, FEXTRA, no time, no hint, unknown system; "RC", 8 bytes: both lengths.
    head = struct.pack("<4BL2B", 0x1F, 0x8B, 8, 4, 0, 0, 255)
    head += struct.pack("<H2sHLL", 12, b"RC", 8, len(body) + 32, len(block))
    return head + body + struct.pack("<LL", zlib.crc32(block), len(block) & 0xFFFFFFFF)


def _zstd_frame(block: bytes) -> bytes:
    compress: Any = _zstd.compress
    body: bytes = compress(block)
    return struct.pack("<4L", 0x184D2A5C, 8, len(body) + 16, len(block)) + body
