"""One chunk of one stream, from its FIFO into its log by way of the spool.

Ties the spool to what is around it: which log, rotated when it has its size; recovery of a
chunk that an earlier controller was killed in; and, where a chunk cannot be finished, setting
it aside so that the other streams go on.
"""

from __future__ import annotations

import contextlib
import os
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from reconciler.logs.format import lines
from reconciler.logs.format.lines import NO_CARRY, Carry
from reconciler.logs.write import fifo, logfile, rotation
from reconciler.logs.write.backpressure import Trouble
from reconciler.logs.write.transcript import Transcripts
from reconciler.logs.write.write_ahead import MAX_CHUNK, Header, Spool, load_carry
from reconciler.model.host.fifo import FifoName
from reconciler.model.spec.logs import Logs, Rotate
from reconciler.model.state.tally import Tally
from reconciler.system.files import safe_files
from reconciler.system.files.safe_files import Owner

TAIL = 4096
"""Bytes of each stderr that are kept in memory: a Python traceback has 1 to 3 KiB."""
_LEAST = 4096
"""Bytes moved at least, however little room a log has until its rotation."""


@dataclass(slots=True, eq=False)
class Tap:
    """One stream that is read."""

    name: FifoName
    fd: int
    carry: Carry = NO_CARRY
    read_at: float = 0.0
    ended: bool = False
    """Its process is gone; what is left goes into the log, and then the tap goes."""
    stuck: Spool | None = None
    """A chunk that was taken from the FIFO and could not be finished; it holds the carry."""
    lost: int = 0
    """Bytes dropped that no line in the log reports yet."""
    trouble: Trouble | None = None
    """Set while its log cannot be written."""
    tail: bytes = b""
    """Of stderr: the last bytes that came, to tell why the process ended."""
    passing: bool = False
    """The lane of its log has a chunk of it in hand (``lane``)."""
    left: int | None = None
    """Of one that has ended and is written by a lane: bytes that are still to be read."""
    route: tuple[Logs, int, Any] | None = None
    """The lane, if any, of these logs, as of a view of the mounts."""


class Requested(Protocol):
    """What is needed here of the compressor."""

    def request(self, place: str, rotate: Rotate) -> None: ...


class Pump:
    """Moves chunks for all streams, one at a time."""

    def __init__(
        self,
        state_dir: Path,
        fifos: Sequence[Path],
        transcripts: Transcripts,
        tally: Tally,
        compressor: Requested,
        *,
        is_apart: Callable[[Path], Any] = lambda path: None,
    ) -> None:
        self._is_apart = is_apart
        self._tally = tally
        self._state = state_dir
        self._folder = f"{state_dir}/fifo"
        self._fifos = fifos
        self._transcripts = transcripts
        self._compressor = compressor
        self._spool: Spool | None = None
        self._turned: dict[Path, float] = {}
        """Of logs that the time has a say in: up to which turn they were looked after."""
        self._owed: dict[Path, Path] = {}
        """By log, the spool that was set aside before that log could be read."""

    def move(self, tap: Tap, logs: Logs, *, flush: bool = False, reason: str = "") -> int:
        """Move one chunk from the FIFO to the log. Bytes moved; 0 where none waited.

        With ``flush`` the carry is written even so. Where bytes were lost, a line of our own
        that gives the ``reason`` stands in their place.
        OSError: nothing has left the FIFO, or it is in ``tap.stuck``, or counted in ``tap.lost``.
        """
        if tap.stuck is not None:
            self._finish_stuck(tap, tap.stuck)
        name, midline, carry, flush = tap.name, tap.carry.midline, *_beginning(tap, reason, flush)
        path = logfile.path_of(self._state, logs, name.app, name.instance, name.stream)
        if self._owed and path in self._owed:
            self._finish_pending(path)
        now, style = time.time(), lines.style_of(logs)
        whole = bool(style) or not midline
        log, length = self._open_log(path, logs.rotate, safe_files.owner_of(tap.fd), now, whole)
        try:
            header = Header(
                log=str(path),
                inode=os.fstat(log).st_ino,
                length=length,
                stamp=lines.head(logs, name, now),
                carry_file=self.companion(name, "carry"),
                carry=len(carry),
                midline=midline,
                style=style,
            )
            spool = self._empty_spool()
            limit = min(MAX_CHUNK, max(_LEAST, logs.rotate.size - length))
            moved = self._take(tap, spool, header, carry, limit)
            if moved or flush:
                self._finish(tap, spool, header, log)
            else:
                spool.commit()
            return moved
        finally:
            os.close(log)

    def take(self, tap: Tap, logs: Logs, *, flush: bool = False, reason: str = "") -> int:
        """Move one chunk from the FIFO into a spool of its stream alone, ``tap.stuck``, which
        ``write`` writes into the log: that is not touched here. Bytes moved. OSError: as ``move``.
        """
        name, midline, carry, flush = tap.name, tap.carry.midline, *_beginning(tap, reason, flush)
        header = Header(
            log=str(logfile.path_of(self._state, logs, name.app, name.instance, name.stream)),
            inode=0,  # of none: the log is looked at when it is written
            length=0,
            stamp=lines.head(logs, name, time.time()),
            carry_file=self.companion(name, "carry"),
            carry=len(carry),
            midline=midline,
            style=lines.style_of(logs),
        )
        path = Path(self.companion(name, "spool"))
        try:
            spool = Spool(path)
        except FileNotFoundError:  # the state directory was removed
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            spool = Spool(path)
        moved = 0
        try:
            moved = self._take(
                tap, spool, header, carry, min(MAX_CHUNK, max(_LEAST, logs.rotate.size))
            )
        finally:
            if moved or (flush and spool.pending() is not None):
                tap.stuck, tap.carry, tap.lost = spool, NO_CARRY, 0
            else:
                spool.commit()
                spool.close()
                path.unlink(missing_ok=True)
        return moved

    def write(self, stuck: Spool, rotate: Rotate) -> Carry:
        """Write a chunk that was taken into its log, which is rotated first where that is due.
        What is left of its last line. OSError: to be called again."""
        header = stuck.pending()
        if header is None:  # it was written, and only then an error came
            carry = load_carry(str(stuck.path.with_suffix(".carry")))
        else:
            path = Path(header.log)
            if path in self._owed:
                self._finish_pending(path, stuck)
                header = stuck.pending() or header
            if not header.inode and header.length + header.done == 0:
                whole = bool(header.style) or not header.midline
                owner = self._owner(header)
                os.close(self._open_log(path, rotate, owner, time.time(), whole)[0])
            carry = self._resume(stuck, header)
        stuck.path.unlink(missing_ok=True)
        return carry

    def owe(self, log: Path, spool: Path) -> None:
        """A chunk of this log was set aside before the log could be read: nothing is written to it
        until it is known how much of that it has."""
        self._owed[log] = spool

    def _take(self, tap: Tap, spool: Spool, header: Header, carry: bytes, limit: int) -> int:
        name = tap.name
        moved = spool.take(tap.fd, header, carry, limit)
        self._tally.of(name.app).wrote(name.stream, moved)
        if moved and name.nonce in self._transcripts:
            self._transcripts.hear(name.nonce, spool.data(), header.midline)
        if moved and name.stream == "err":
            tap.tail = (tap.tail + spool.end(min(moved, TAIL)))[-TAIL:]
        return moved

    def recover(self) -> None:
        """Finish the chunks an earlier controller was killed in, as far as there is room."""
        for path in (self._state / "spool", *(self._state / "fifo").glob("*.spool")):
            try:
                self._finish_left(path)
            except OSError:
                continue

    def load(self, name: FifoName, fd: int) -> Tap:
        """The tap of a stream, with what an earlier controller kept of it."""
        tap = Tap(name, fd, load_carry(self.companion(name, "carry")))
        aside = self.companion(name, "spool")
        if os.path.exists(aside):
            tap.stuck = Spool(Path(aside))
        return tap

    def forget(self, name: FifoName) -> None:
        """Remove what was kept of a stream, and its FIFO. What cannot be removed now, as on a disk
        that was made read-only, the next controller sweeps."""
        kept = (self.companion(name, kind) for kind in ("carry", "spool"))
        for path in (*kept, fifo.path_of(name, self._fifos)):
            with contextlib.suppress(OSError):
                os.unlink(path)

    def close(self) -> None:
        if self._spool is not None:
            self._spool.close()
            self._spool = None

    def companion(self, name: FifoName, kind: str) -> str:
        """The file beside a FIFO that keeps its carry, or its spool set aside. A text: a Path for
        each was a twelfth of what it takes to take over a thousand instances."""
        return f"{self._folder}/{name}.{kind}"

    def turn(self, path: Path, rotate: Rotate) -> None:
        """Rotate a log that is due, also if no process writes to it. OSError."""
        now = time.time()
        with safe_files.held(path.parent) as folder:
            status = os.lstat(folder / path.name)
        regular = stat.S_ISREG(status.st_mode) and status.st_size
        if regular and self._is_due(path, rotate, status.st_mtime, now):
            self._rotate(path, rotate, now)

    def _open_log(
        self, path: Path, rotate: Rotate, owner: Owner | None, now: float, whole: bool
    ) -> tuple[int, int]:
        """A descriptor of the log and its length; one that is due is rotated first.

        ``whole``: it ends with a whole line.
        """
        log = logfile.open_log(path, owner)
        status = os.fstat(log)
        length = status.st_size
        if not whole:
            return log, length
        late = self._is_due(path, rotate, status.st_mtime, now)
        if not length or (length < rotate.size and not late):
            return log, length
        os.close(log)
        self._rotate(path, rotate, now)
        return logfile.open_log(path, owner), 0

    def _is_due(self, path: Path, rotate: Rotate, written: float, now: float) -> bool:
        if not rotation.by_time(rotate):
            return False
        turn = rotation.latest_turn(rotate, now)
        # Dates of files lag by some milliseconds: one that begins right after a turn may seem
        # to be from before it.
        was, self._turned[path] = self._turned.get(path, 0.0), turn
        return written < turn and was < turn

    def _rotate(self, path: Path, rotate: Rotate, now: float) -> None:
        try:
            logfile.rotate(path, rotate.keep, now)
        except OSError:
            self._turned.pop(path, None)
            raise
        if rotate.compress or rotate.max_age_days is not None:
            self._compressor.request(str(path), rotate)

    def _finish(self, tap: Tap, spool: Spool, header: Header, log: int) -> None:
        try:
            tap.carry = spool.finish(header, log)
        except OSError:
            self._set_aside(tap, spool)
            raise
        tap.lost = 0

    def _set_aside(self, tap: Tap, spool: Spool) -> None:
        """Keep a chunk that cannot be finished for its stream; the others get a new spool."""
        tap.carry = NO_CARRY
        try:
            spool.set_aside(Path(self.companion(tap.name, "spool")))
        except OSError:  # not even renamed: it must make way
            tap.lost += spool.size()
            self._tally.of(tap.name.app).dropped += spool.size()
            spool.commit()
        else:
            tap.stuck, tap.lost, self._spool = spool, 0, None

    def _finish_stuck(self, tap: Tap, stuck: Spool) -> None:
        header = stuck.pending()
        if header is not None:
            tap.carry = self._resume(stuck, header)
        stuck.path.unlink(missing_ok=True)
        stuck.close()
        tap.stuck = None

    def _finish_pending(self, log: Path, own: Spool | None = None) -> None:
        """Block writes to a log until it is known how much of a chunk it has. OSError.

        Of several such chunks of one log the others are known: they were looked at when set aside.
        """
        path = self._owed[log]
        if own is not None and own.path == path:
            del self._owed[log]  # it is the one to be written now
            return
        spool = Spool(path) if path.exists() else None
        header = spool.pending() if spool is not None else None
        try:
            if spool is not None and header is not None and header.inode:
                fd = logfile.open_log(log, self._owner(header))
                try:
                    spool.settle(header, fd)
                finally:
                    os.close(fd)
        finally:
            if spool is not None:
                spool.close()
        del self._owed[log]

    def _empty_spool(self) -> Spool:
        if self._spool is not None and self._spool.removed():
            self.close()
        if self._spool is None:
            self._state.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._finish_left(self._state / "spool")
            self._spool = Spool(self._state / "spool")
        return self._spool

    def _finish_left(self, path: Path) -> None:
        """Finish the chunk at which an earlier controller was killed, if there is one.

        OSError where it cannot be finished; then it has been set aside for its stream.
        """
        if not path.exists():
            return
        spool = Spool(path)
        header = spool.pending()
        try:
            if header is not None:
                self._recover_transcript(spool, header)
                lane = self._is_apart(Path(header.log))
                if lane is not None:  # its own business, and perhaps a long one
                    self._keep(spool, header, lane.pump)
                    return
                self._resume(spool, header)
            path.unlink()
        except OSError:
            if header is not None:
                self._keep(spool, header, self)
            raise
        finally:
            spool.close()

    def _keep(self, spool: Spool, header: Header, pump: Pump) -> None:
        """Leave a chunk to its stream."""
        if spool.path.parent == self._state:
            spool.set_aside(Path(header.carry_file).with_suffix(".spool"))
        pump.owe(Path(header.log), spool.path)

    def _recover_transcript(self, spool: Spool, header: Header) -> None:
        """Pass the chunk to the listeners, perhaps again: the killed controller may have done
        it."""
        name = _stream_of(header)
        if name is not None:
            self._transcripts.recover(name.nonce, spool.data(), header.midline)

    def _resume(self, spool: Spool, header: Header) -> Carry:
        log = logfile.open_log(Path(header.log), self._owner(header))
        try:
            return spool.resume(header, log)
        finally:
            os.close(log)

    def _owner(self, header: Header) -> Owner | None:
        """Of the stream that a chunk is from."""
        name = _stream_of(header)
        return None if name is None else safe_files.owner_of(fifo.place(name, self._fifos))


def _beginning(tap: Tap, reason: str, flush: bool) -> tuple[bytes, bool]:
    """What goes before the next chunk, and whether it is to be written without one."""
    carry = tap.carry.text
    if not tap.lost:
        return carry, flush
    # The start of a line whose end was dropped is lost as well.
    line = b"recon: %d bytes of output were lost: " % (tap.lost + len(carry))
    return b"\n" * tap.carry.midline + line + reason.encode() + b"\n", True


def _stream_of(header: Header) -> FifoName | None:
    """The stream that a chunk is from."""
    return FifoName.parse(Path(header.carry_file).stem)
