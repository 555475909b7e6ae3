"""Log files to be read from any point, compressed ones too.

What recon compressed has frames of 1 MiB that say how long they are (``logs.format.frames``), so a
byte in the middle of gigabytes costs the unpacking of one frame. What others compressed is unpacked
once, into a file without a name.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import struct
import zlib
from bisect import bisect_right
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, Protocol

from reconciler.logs.format.frames import BLOCK
from reconciler.model.words import logname

try:
    from compression import zstd as _zstd  # type: ignore[import-not-found]  # Python 3.14
except ImportError:
    _zstd = None

_OPEN = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
_GZIP = struct.Struct("<4BL2BH2sHLL")
_ZSTD = struct.Struct("<4L")
_KEPT = 4
"""Frames that stay unpacked, of each file that is open."""
_SKIPPABLE = 0x184D2A5C


class Source(Protocol):
    """Bytes of a log, as they were before they were compressed."""

    inode: int
    size: int
    written: float
    """When the file was last written to, wall time in seconds."""

    def read(self, count: int, at: int) -> bytes:
        """Up to ``count`` bytes; fewer only at the end."""


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Source | None]:
    """A file, or what became of it when it was compressed meanwhile; None where it is gone.

    Nor is anything but a regular file a log. OSError where it may not be read.
    """
    fd, path = _open(path)
    if fd is None:
        yield None
        return
    try:
        if path.suffix not in logname.PACKED:
            yield _Plain(fd)
            return
        frames = _frames(fd, path.suffix)
        if frames is not None:
            yield _Framed(fd, frames, _unpack_gzip if path.suffix == ".gz" else _unpack_zstd)
            return
        import tempfile  # noqa: PLC0415  only for what others compressed

        with tempfile.TemporaryFile() as whole:
            _unpack_all(fd, path.suffix, whole)
            yield _Plain(whole.fileno(), os.fstat(fd))
    finally:
        os.close(fd)


def open_regular(path: Path) -> int | None:
    """A descriptor; None where there is no such file. OSError where it may not be read.

    Root follows no link: the folder may be of the app's user (``system.files.safe_files``).
    """
    flags = _OPEN | (os.O_NOFOLLOW if os.geteuid() == 0 else 0)
    try:
        fd = os.open(path, flags)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
            return None
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        return None
    return fd


class _Plain:
    def __init__(self, fd: int, status: os.stat_result | None = None) -> None:
        own = os.fstat(fd)
        self._fd = fd
        self.size = own.st_size
        self.inode, self.written = (status or own).st_ino, (status or own).st_mtime

    def read(self, count: int, at: int) -> bytes:
        return os.pread(self._fd, min(count, self.size - at), at) if at < self.size else b""


class _Frame(NamedTuple):
    start: int
    """Where its content begins, in the whole."""
    length: int
    at: int
    packed: int


class _Framed:
    """A frame that is damaged reads as NUL bytes and a newline: all others stay where they were."""

    def __init__(
        self, fd: int, frames: list[_Frame], unpack: Callable[[bytes, int], bytes]
    ) -> None:
        status = os.fstat(fd)
        self._fd, self._frames, self._unpack = fd, frames, unpack
        self._starts = [frame.start for frame in frames]
        self._kept: dict[int, bytes] = {}
        self.size = frames[-1].start + frames[-1].length
        self.inode, self.written = status.st_ino, status.st_mtime

    def read(self, count: int, at: int) -> bytes:
        found = []
        count = min(count, self.size - at)
        while count > 0:
            index = bisect_right(self._starts, at) - 1
            inside = at - self._starts[index]
            piece = self._content(index)[inside : inside + count]
            if not piece:
                break
            found.append(piece)
            at, count = at + len(piece), count - len(piece)
        return b"".join(found)

    def _content(self, index: int) -> bytes:
        content = self._kept.pop(index, None)
        if content is None:
            frame = self._frames[index]
            content = self._unpack(os.pread(self._fd, frame.packed, frame.at), frame.length)
            if len(content) != frame.length:
                content = (b"\0" * (frame.length - 1) + b"\n")[: frame.length]
        self._kept[index] = content  # the last one used is the last one to go
        if len(self._kept) > _KEPT:
            del self._kept[next(iter(self._kept))]
        return content


def _open(path: Path) -> tuple[int | None, Path]:
    ways = [path]
    if path.suffix not in logname.PACKED:
        ways += [path.with_name(path.name + suffix) for suffix in logname.PACKED]
    for way in ways:
        fd = open_regular(way)
        if fd is not None:
            return fd, way
    return None, path


def _frames(fd: int, suffix: str) -> list[_Frame] | None:
    """Of the whole file; None where it is not written as recon writes it."""
    end, at, start = os.fstat(fd).st_size, 0, 0
    found = []
    while at < end:
        lengths = (_gzip_lengths if suffix == ".gz" else _zstd_lengths)(os.pread(fd, 24, at))
        if lengths is None or at + lengths[0] > end:
            return None
        packed, length = lengths
        found.append(_Frame(start, length, at, packed))
        at, start = at + packed, start + length
    return found or None


def _gzip_lengths(head: bytes) -> tuple[int, int] | None:
    if len(head) < 24:
        return None
    one, two, _, flags, _, _, _, _, sign, _, packed, length = _GZIP.unpack(head)
    if (one, two, flags, sign) != (0x1F, 0x8B, 4, b"RC") or not packed:
        return None
    return _as_written(packed, length)


def _zstd_lengths(head: bytes) -> tuple[int, int] | None:
    if len(head) < 16:
        return None
    magic, size, packed, length = _ZSTD.unpack(head[:16])
    return _as_written(packed, length) if magic == _SKIPPABLE and size == 8 else None


def _as_written(packed: int, length: int) -> tuple[int, int] | None:
    """The lengths of a frame; None where recon writes none like that: it may be a bomb."""
    return (packed, length) if packed > 16 and length <= BLOCK else None


def _unpack_gzip(frame: bytes, length: int) -> bytes:
    """What a frame holds, a byte more than ``length`` at most; nothing where it is damaged."""
    try:
        return zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(frame, length + 1)
    except zlib.error:
        return b""


def _unpack_zstd(frame: bytes, length: int) -> bytes:
    """The same."""
    zstd = _needed_zstd()
    try:
        content: bytes = zstd.ZstdDecompressor().decompress(frame[16:], length + 1)
    except zstd.ZstdError:
        return b""
    return content


def _needed_zstd() -> Any:
    if _zstd is None:
        message = "compressed with zstd, which needs Python 3.14 to read; zstdcat shows it"
        raise OSError(errno.ENOTSUP, message, "a rotated log")
    return _zstd


def _unpack_all(fd: int, suffix: str, whole: IO[bytes]) -> None:
    """What is broken off ends there. OSError where it cannot be unpacked."""
    import gzip  # noqa: PLC0415  as above
    import shutil  # noqa: PLC0415

    with open(fd, "rb", closefd=False) as raw:
        opener: Any = gzip.open
        damaged: tuple[type[Exception], ...] = (EOFError, gzip.BadGzipFile, zlib.error)
        if suffix != ".gz":
            opener, damaged = _needed_zstd().open, (EOFError, _needed_zstd().ZstdError)
        with contextlib.suppress(*damaged), opener(raw) as packed:
            shutil.copyfileobj(packed, whole, 2**20)
    whole.flush()
