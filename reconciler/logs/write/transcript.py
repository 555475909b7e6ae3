"""What one process has said since its start, kept until it is ready: what ``log`` probes look at.

A log may hold lines of others: of the process whose place this one takes, of an earlier run, of
other instances that write to the same file. What comes out of a process's own FIFOs is its own. So
the pump puts a copy of each whole line into the transcript of its process, as it was written,
before it goes into the log.

A transcript is a file beside the FIFOs, so that the next controller finds it. An instance with a
probe of another kind has one without a name, in memory: an edit may ask for a line instead.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Container, Iterator, Sequence
from pathlib import Path

from reconciler.logs.format.lines import LONGEST, whole_lines
from reconciler.logs.write import fifo

PIECE = 2**18
"""Bytes that a look reads at most."""
_KEPT = 2**20
"""Bytes that are kept for a changed pattern, once they were looked at."""
_MOST = 16 * 2**20
"""Bytes that wait for a look at most; more at once are looked at in part."""
_SUFFIX = ".said"


class Transcript:
    """The lines of one process, of both of its streams."""

    __slots__ = ("_cut", "_fd", "_searched", "_size", "not_before", "path", "sought", "whole")

    def __init__(self, path: Path | None, *, whole: bool = True) -> None:
        """``path``: where the next controller finds it, too. ``whole``: it begins with the process;
        one that is on disk already does."""
        self.path = path
        self._fd, found = _open(path)
        self.whole = whole or found
        self._size = os.fstat(self._fd).st_size
        self._searched = 0
        self._cut = False
        self.sought = ""
        """What the last call looked for, as its caller notes it."""
        self.not_before = 0.0
        """When it may be looked through again, as its caller notes it."""

    def add(self, lines: bytes) -> None:
        """Add whole lines. What cannot be written (a full disk) is not heard."""
        most = _KEPT if self._searched >= self._size or self.path is None else _MOST
        with contextlib.suppress(OSError):
            if self._size and self._size + len(lines) > most:
                os.ftruncate(self._fd, 0)
                self._size = self._searched = 0
                self._cut = False
            self._size += os.pwrite(self._fd, lines, self._size)

    def keep(self, path: Path) -> None:
        """From now on it is a file, which the next controller finds."""
        held = os.pread(self._fd, self._size, 0)
        os.close(self._fd)
        self.path, (self._fd, _) = path, _open(path)
        self._size = os.pwrite(self._fd, held, 0)

    def rewind(self) -> None:
        """Look at everything again."""
        self._searched, self._cut = 0, False

    def read(self) -> list[bytes]:
        """The next lines, each cut to ``LONGEST``; empty where there is nothing new."""
        try:
            data = os.pread(self._fd, PIECE, self._searched)
        except OSError:  # a disk that fails
            return []
        end = data.rfind(b"\n") + 1
        lines = data[:end].split(b"\n")[:-1] if end else [data] if data else []
        self._searched += end or len(data)
        if self._cut and lines:  # the rest of a line whose beginning was looked at
            del lines[0]
        self._cut = not end and bool(data)
        return [line[:LONGEST] for line in lines]

    @property
    def has_more(self) -> bool:
        """Whether the last call left something to read."""
        return self._searched < self._size

    def close(self) -> None:
        """Let go of it; the next controller goes on with it."""
        os.close(self._fd)

    def remove(self) -> None:
        """The process is ready, or gone."""
        self.close()
        if self.path is not None:
            with contextlib.suppress(OSError):
                self.path.unlink()


class Transcripts:
    """Those of a store, by nonce, in the folders of its FIFOs."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._folders = folders
        self._open: dict[str, Transcript] = {}

    def get(self, nonce: str) -> Transcript | None:
        return self._open.get(nonce)

    def begin(self, nonce: str, *, kept: bool, whole: bool = True) -> None:
        """From now on what a process says is heard. ``kept``: by the next controller, too."""
        known = self._open.get(nonce)
        if known is not None and (known.path is not None or not kept):
            return
        path = (self._found(nonce) or self._path(nonce)) if kept else None
        if known is None:
            self._open[nonce] = Transcript(path, whole=whole)
        elif path is not None:
            known.keep(path)

    def hear(self, nonce: str, data: bytes, midline: bool) -> None:
        """A chunk of what a process wrote. Without a listener nothing is kept."""
        transcript = self._open.get(nonce)
        if transcript is not None:
            transcript.add(whole_lines(data, midline))

    def recover(self, nonce: str, data: bytes, midline: bool) -> None:
        """A chunk that an earlier controller was killed in; perhaps it had heard it."""
        path = self._found(nonce)
        if path is not None:
            with self._reopened(path) as transcript:
                transcript.add(whole_lines(data, midline))

    def end(self, nonce: str) -> None:
        """Remove the listener of a process."""
        transcript = self._open.pop(nonce, None)
        if transcript is not None:
            transcript.remove()

    def discard(self, nonce: str) -> None:
        """A process is ready already: what an earlier controller, killed then, kept is let go."""
        path = self._found(nonce) if nonce not in self._open else None
        if path is not None:
            path.unlink(missing_ok=True)

    def sweep(self, live: Container[str]) -> None:
        """Remove those of processes that are gone."""
        for folder in self._folders:
            for path in folder.glob(f"*{_SUFFIX}"):
                if path.name.removesuffix(_SUFFIX) not in live:
                    path.unlink(missing_ok=True)

    def close(self) -> None:
        """Leave them for the next controller."""
        for transcript in self._open.values():
            transcript.close()
        self._open.clear()

    def __contains__(self, nonce: str) -> bool:
        return nonce in self._open

    def _path(self, nonce: str) -> Path:
        return fifo.home(self._folders) / f"{nonce}{_SUFFIX}"

    def _found(self, nonce: str) -> Path | None:
        paths = (folder / f"{nonce}{_SUFFIX}" for folder in self._folders)
        return next((path for path in paths if path.exists()), None)

    @contextlib.contextmanager
    def _reopened(self, path: Path) -> Iterator[Transcript]:
        transcript = Transcript(path)
        try:
            yield transcript
        finally:
            transcript.close()


def _open(path: Path | None) -> tuple[int, bool]:
    """The file, made where there was none, and whether there was one; in memory where no disk
    takes it."""
    if path is not None:
        found = path.exists()
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with contextlib.suppress(OSError):
            return os.open(path, flags, 0o600), found
    return os.memfd_create("transcript", os.MFD_CLOEXEC), False
