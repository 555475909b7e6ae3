"""The output of all programs, from their FIFOs into their logs.

Every byte gets there exactly once, over crashes of the controller too (``write_ahead``). One epoll
descriptor watches all FIFOs and stands for them in the event loop: an idle stream costs one
descriptor and one small object, and nothing ever wakes for it. A flood is read in large pieces
with a pause after each, so it neither starves the loop nor loses a byte: the program waits
while its FIFO is full. A program never waits for a disk, though: while its log cannot be
written, what no longer fits into the FIFO is dropped and counted (``backpressure``).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import select
import time
from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from reconciler.logs.format.lines import Carry
from reconciler.logs.write import fifo, logfile
from reconciler.logs.write.backpressure import FIRST_RETRY, Troubles
from reconciler.logs.write.compress import Compressor
from reconciler.logs.write.holder import MOST, Holder
from reconciler.logs.write.lane import Lane, Lanes
from reconciler.logs.write.maintenance import Upkeep
from reconciler.logs.write.transcript import Transcripts
from reconciler.logs.write.transfer import Pump, Tap
from reconciler.logs.write.write_ahead import Spool, keep_large_blocks
from reconciler.logs.write.written import Written
from reconciler.model.host.fifo import STREAMS, FifoName, Stream
from reconciler.model.host.held import Held
from reconciler.model.spec.logs import Logs, Rotate
from reconciler.model.state.observed import Tag
from reconciler.model.state.tally import Tally

PAUSE = 0.002
"""Seconds a busy FIFO is left to fill: fewer, larger reads for less CPU (design.md#crash-only)."""
_LARGE = 2**17
_BUSY = 0.005
_SLICE = 0.001
"""Seconds the capture works before it lets the rest of the event loop go on."""
_PASSES = frozenset(
    {errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS}
)
"""Trouble of the host's or recon's own: a stream that cannot be reached so is tried again."""
_UNREACHABLE = frozenset(
    {
        *(errno.ENOTCONN, errno.ECONNABORTED, errno.ECONNREFUSED, errno.ETIMEDOUT, errno.ESTALE),
        *(errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EIO),
    }
)
"""A server that is gone, or back as another: its output waits as for one that does not answer."""
_MAX_ENDED = 64
"""Ended processes whose last output may wait for room on the disk."""


@dataclass(slots=True)
class Streams:
    """The program's ends of its two FIFOs, to become its descriptors 1 and 2."""

    stdout: int
    stderr: int

    def close(self) -> None:
        """Close them here; the program keeps its own."""
        for fd in (self.stdout, self.stderr):
            if fd >= 0:
                os.close(fd)
        self.stdout = self.stderr = -1


class Capture:
    """Reads the programs' output into the logs below ``state_dir``.

    ``fifos`` are the folders where its FIFOs may lie, the best first
    (``observed.processes.fifodirs``); the last, and by itself the only one, is ``fifo`` in the
    state directory. ``holder`` keeps them open for the next controller.
    ``on_trouble(app, sentence)`` is called when logs cannot be written, again as more is lost, and
    with None when all is well again.
    """

    def __init__(
        self,
        state_dir: Path,
        loop: asyncio.AbstractEventLoop,
        *,
        on_trouble: Callable[[str, str | None], None],
        fifos: Sequence[Path] = (),
        tally: Tally | None = None,
        holder: Holder | None = None,
    ) -> None:
        tally = tally or Tally()
        self._holder = holder
        self._took_over = False
        self._left: list[FifoName] = []
        """Of processes that are gone, and perhaps still held by an earlier holder."""
        self._unreached: set[FifoName] = set()
        """Streams of running processes that are tried again: only an earlier holder has them."""
        keep_large_blocks()
        self._fifos = tuple(fifos) or (state_dir / "fifo",)
        with contextlib.suppress(OSError):  # made when it is needed
            self._fifos[-1].mkdir(mode=0o700, parents=True, exist_ok=True)
        self._loop = loop
        self._taps: dict[int, Tap] = {}
        self._nonces: dict[str, list[Tap]] = {}
        self._budget = fifo.Budget()
        self._compressor = Compressor(loop)
        self.transcripts = Transcripts(self._fifos)
        """What processes say until they are ready, for who asks for it (``begin``)."""
        self.written = Written()
        """Those that follow the output of an app."""
        self._state = state_dir
        pump = partial(Pump, state_dir, self._fifos, self.transcripts, tally)
        self._lanes = Lanes(loop, pump, self._hangs)
        self._pump = pump(self._compressor, is_apart=self._lanes.of)
        self._upkeep = Upkeep(state_dir, loop, self._compressor, self._turn, self._lanes)
        self._troubles = Troubles(loop, self._retry, on_trouble, tally)
        self._epoll = select.epoll()
        loop.add_reader(self._epoll.fileno(), self._ready)

    # -- what the controller asks for ----------------------------------------------------------

    def recover(self) -> None:
        """Finish the chunks that an earlier controller was killed in. Before anything else.

        What cannot be finished now (no room) waits until its stream is attached or swept.
        """
        self._pump.recover()

    def open(self, tag: Tag, uid: int | None = None, gid: int | None = None) -> Streams:
        """Make the FIFOs for a process about to start, owned by its user.

        From here on nothing it writes is lost, even if it dies before ``attach``, and this
        controller with it. OSError where they cannot be made; nothing is left behind then.
        """
        streams = Streams(-1, -1)
        self._nonces[tag.nonce] = []
        folder = fifo.home(self._fifos)
        try:
            for stream in STREAMS:
                name = fifo.name_of(tag, stream)
                path = f"{folder}/{name}"
                fd = fifo.create(path, uid, gid)
                setattr(streams, f"std{stream}", fd)
                self._budget.grow(fd)
                self._add(Tap(name, fifo.open_reader(path)))
            self._hold(self._nonces[tag.nonce])
        except OSError:
            streams.close()
            self.detach(tag.nonce)
            for stream in STREAMS:
                (folder / str(fifo.name_of(tag, stream))).unlink(missing_ok=True)
            raise
        return streams

    def attach(self, tag: Tag, logs: Logs, pid: int | None = None) -> None:
        """Start to read the output of a process that runs: a new one, or one adopted.

        ``pid`` leads to the FIFOs of an adopted process whose paths were removed. A stream that
        the program has closed or that cannot be reached is left alone.
        """
        self.configure(tag.app, logs)
        if tag.nonce not in self._nonces:
            self._adopt(tag, pid)
            if self._took_over:
                self._hold(self._nonces[tag.nonce])
        for tap in self._nonces[tag.nonce]:
            self._arm(tap)

    def configure(self, app: str, logs: Logs) -> None:
        """Set where and how the logs of an app are written, from the next chunk on."""
        self._upkeep.configure(app, logs)

    def keep(self, app: str, instances: Container[int]) -> None:
        """Remove the logs that are of other instances of an app, where each has its own."""
        self._upkeep.keep(app, instances)

    def keep_catalogs(self) -> None:
        """See that `recon logs` finds the logs, also when the state was lost. OSError."""
        self._upkeep.keep_catalogs()

    def detach(self, nonce: str) -> None:
        """Write the rest of the output of a process that has exited, and remove its FIFOs."""
        for tap in self._nonces.pop(nonce, ()):
            tap.ended = True
            if tap.trouble is None:
                self._end(tap)
        ended = [tap for tap in self._troubles.taps() if tap.ended]
        for tap in ended[: max(0, len(ended) - _MAX_ENDED)]:
            self._remove(tap)

    def last_errors(self, nonce: str) -> bytes:
        """The last bytes that a process wrote to stderr (``TAIL``), which may begin within a line.

        What an earlier controller read of it is not among them.
        """
        for tap in self._nonces.get(nonce, ()):
            if tap.name.stream == "err":
                if tap.trouble is None:
                    self._read_last(tap)
                return tap.tail
        return b""

    def _read_last(self, tap: Tap) -> None:
        lane = self._lane(tap)
        try:
            if lane is None:
                self._drain(tap)
            else:
                self._pass(tap, lane)
        except OSError as error:
            self._fail(tap, error)

    def sweep(self, live: Container[str]) -> None:
        """Do as ``detach`` for all that processes left which ended while no controller ran.

        ``live`` holds the nonces of the processes that run. Call it once, after ``configure``
        and ``attach``. A FIFO that some process still writes to is left alone.

        An earlier controller's holder has them all open, and is ended between two rounds. In the
        first, what waits is written, and what is needed is held here. In the second, what no
        process writes to any more is removed.
        """
        names = (FifoName.parse(text) for text in sorted(fifo.names(self._fifos)))
        left = [one for one in names if one is not None and one.nonce not in live]
        left = [name for name in left if name.nonce not in self._nonces and self._salvage(name)]
        self._left = left
        self._supersede()
        self.transcripts.sweep(live)

    def held(self) -> Held | None:
        """How the output is kept over a restart; None where all ends with this process."""
        return self._holder.facts() if self._holder is not None else None

    def _remove_left(self) -> None:
        """The second round: no earlier holder has these FIFOs open any more."""
        self._left = [name for name in self._left if not self._is_removed(name)]

    def _is_removed(self, name: FifoName) -> bool:
        """Remove a FIFO; False where some process still writes to it."""
        if name.nonce in self._nonces:  # its process was found meanwhile
            return True
        path = fifo.place(name, self._fifos)
        if not path.exists():  # a carry alone
            os.mkfifo(path, 0o600)
        elif fifo.is_written(path):
            return False
        tap = self._watch(self._pump.load(name, fifo.open_reader(path)))
        tap.ended = True
        self._end(tap)
        return True

    def close(self) -> None:
        """Stop reading. All that is not written yet waits for the next controller."""
        self._loop.remove_reader(self._epoll.fileno())
        if self._holder is not None:
            self._holder.close(needed=bool(self._taps))
        self._upkeep.close()
        self._lanes.close()
        self._compressor.close()
        self._troubles.close()
        self._pump.close()
        self.transcripts.close()
        for tap in self._taps.values():
            if tap.stuck is not None and not tap.passing:
                tap.stuck.close()
            os.close(tap.fd)
        self._taps.clear()
        self._nonces.clear()
        self._epoll.close()
        for folder in self._fifos[:-1]:
            with contextlib.suppress(OSError):  # others have FIFOs in it
                folder.rmdir()

    # -- taps ----------------------------------------------------------------------------------

    def _adopt(self, tag: Tag, pid: int | None) -> None:
        self._nonces[tag.nonce] = []
        for stream in STREAMS:
            self._reach(tag, pid, stream)

    def _reach(self, tag: Tag, pid: int | None, stream: Stream) -> Tap | None:
        """Read a stream of a process that runs; None where nothing comes that way, or not yet."""
        name = fifo.name_of(tag, stream)
        try:
            reader = fifo.open_reader(fifo.path_of(name, self._fifos), pid)
        except OSError as error:
            reader, trouble = -1, error
        else:
            try:
                tap = self._pump.load(name, reader)
            except OSError as error:
                os.close(reader)
                trouble = error
            else:
                self._add(tap)
                return tap
        if trouble.errno in _PASSES:  # else the program has closed or redirected it
            self._unreached.add(name)
            self._loop.call_later(FIRST_RETRY, self._reach_again, tag, pid, stream)
        return None

    def _reach_again(self, tag: Tag, pid: int | None, stream: Stream) -> None:
        if tag.nonce in self._nonces and (tap := self._reach(tag, pid, stream)) is not None:
            self._arm(tap)
            self._unreached.discard(tap.name)
            if self._took_over:
                self._hold([tap])
                with contextlib.suppress(OSError):  # the next controller ends it
                    self._end_earlier()

    def _add(self, tap: Tap) -> None:
        self._nonces[tap.name.nonce].append(self._watch(tap))

    def _watch(self, tap: Tap) -> Tap:
        self._taps[tap.fd] = tap
        self._budget.count(tap.fd)
        self._epoll.register(tap.fd, 0)
        return tap

    def _arm(self, tap: Tap) -> None:
        """Have the tap read when it holds bytes; at once where an earlier chunk is stuck."""
        if tap.trouble is not None:
            return
        self._epoll.modify(tap.fd, select.EPOLLIN)
        if tap.stuck is not None:
            self._read(tap)

    def _end(self, tap: Tap) -> None:
        """Write what is left in the FIFO and an unfinished last line; then remove the tap."""
        lane = self._lane(tap)
        if lane is not None:
            self._end_apart(tap, lane)
            return
        try:
            self._drain(tap)
            if tap.stuck is not None:
                self._move(tap)
            if tap.carry:
                tap.carry = tap.carry.ended()
                self._move(tap, flush=True)
        except OSError as error:
            self._fail(tap, error)
        else:
            self._remove(tap)

    def _drain(self, tap: Tap) -> None:
        """Write what is in the FIFO now; what comes later is from a child that escaped. OSError."""
        left = fifo.waiting(tap.fd)
        while left > 0 and (moved := self._move(tap)):
            left -= moved

    def _remove(self, tap: Tap) -> None:
        self._troubles.over(tap)
        self._unwatch(tap)
        self._pump.forget(tap.name)

    def _unwatch(self, tap: Tap) -> None:
        if self._holder is not None:
            self._holder.drop(tap.fd)
        self._epoll.unregister(tap.fd)
        self._budget.release(tap.fd)
        del self._taps[tap.fd]
        os.close(tap.fd)
        if tap.stuck is not None and not tap.passing:
            tap.stuck.close()

    # -- what is held over a restart -----------------------------------------------------------

    def _hold(self, taps: Iterable[Tap]) -> None:
        if self._holder is not None:
            self._holder.hold([tap.fd for tap in taps])

    def _salvage(self, name: FifoName) -> bool:
        """Write what waits in the FIFO of a process that is not known, and may be gone.

        False where that fails: it is tried again, as for one that has ended.
        """
        path = fifo.place(name, self._fifos)
        if not path.exists():
            return True
        tap = self._watch(self._pump.load(name, fifo.open_reader(path)))
        if self._lane(tap) is not None:  # that may take long: it waits for the second round
            self._unwatch(tap)
            return True
        try:
            self._drain(tap)
        except OSError as error:
            tap.ended = True
            self._fail(tap, error)
            return False
        self._unwatch(tap)
        return True

    def _supersede(self) -> None:
        """Hold all FIFOs, then end the holder of an earlier controller, and remove what is left."""
        self._took_over = True
        if self._holder is None:
            self._remove_left()
            return
        left = self._left
        self._hold(self._taps.values())
        for first in range(0, len(left), MOST):
            paths = [fifo.place(name, self._fifos) for name in left[first : first + MOST]]
            readers = [fifo.open_end(path) for path in paths if path.exists()]
            try:
                self._holder.lend(readers)
            finally:
                for reader in readers:
                    os.close(reader)
        self._end_earlier()

    def _end_earlier(self) -> None:
        if self._holder is not None and not self._unreached:
            self._holder.supersede(self._remove_left)
        else:
            self._remove_left()

    # -- reading -------------------------------------------------------------------------------

    def _ready(self) -> None:
        """Some FIFOs hold bytes: a chunk from each, as many as fit into a slice of time.

        Those that do not get their turn are still ready the next time round the loop.
        """
        until = time.monotonic() + _SLICE
        for fd, _ in self._epoll.poll(0, 16):
            tap = self._taps.get(fd)
            if tap is not None:
                self._read(tap)
            if time.monotonic() > until:
                break

    def _read(self, tap: Tap) -> None:
        lane = self._lane(tap)
        try:
            if lane is not None:
                self._pass(tap, lane)
                return
            moved = self._move(tap)
        except OSError as error:
            self._fail(tap, error)
            return
        now = time.monotonic()
        if moved >= _LARGE or now - tap.read_at < _BUSY:
            self._epoll.modify(tap.fd, 0)
            self._loop.call_later(PAUSE, self._resume, tap)
        tap.read_at = now

    def _resume(self, tap: Tap) -> None:
        if self._taps.get(tap.fd) is tap:
            self._arm(tap)

    def _move(self, tap: Tap, *, flush: bool = False) -> int:
        logs = self._upkeep.of(tap.name.app)
        reason = tap.trouble.reason if tap.trouble is not None else ""
        moved = self._pump.move(tap, logs, flush=flush, reason=reason)
        self.written.tell(tap.name.app)
        return moved

    def _turn(self, place: str, logs: Logs) -> None:
        """Put a log aside if its time has come; not within a long line that is still coming."""
        midline = any(tap.carry.midline for tap in self._taps.values())
        if midline and logs.is_apart and logs.format == "text":
            return
        lane = self._lanes.of(place)
        if lane is None:
            _turn_all(self._pump, place, logs.rotate)
        else:
            turn = partial(_turn_all, lane.pump, place, logs.rotate)
            with contextlib.suppress(OSError):  # no thread just now
                self._lanes.submit(lane, ("turn", place), turn)

    # -- logs on file systems that may not answer ----------------------------------------------

    def _lane(self, tap: Tap) -> Lane | None:
        """The lane by which the log of a stream is written; None where it is written here."""
        if tap.stuck is not None:  # perhaps as it was declared before
            header = tap.stuck.pending()
            return self._lanes.of(header.log) if header is not None else self._lane_now(tap)
        return self._lane_now(tap)

    def _lane_now(self, tap: Tap) -> Lane | None:
        self._lanes.look()
        logs, route = self._upkeep.of(tap.name.app), tap.route
        if route is not None and route[0] is logs and route[1] == self._lanes.view:
            known: Lane | None = route[2]
            return known
        name = tap.name
        path = logfile.path_of(self._state, logs, name.app, name.instance, name.stream)
        lane = self._lanes.of(path)
        tap.route = logs, self._lanes.view, lane
        return lane

    def _pass(self, tap: Tap, lane: Lane, *, flush: bool = False) -> int:
        """Give the next chunk to a lane, or the one that is stuck. Bytes moved. OSError."""
        moved, logs = 0, self._upkeep.of(tap.name.app)
        if tap.passing:
            return 0
        if tap.stuck is None:
            reason = tap.trouble.reason if tap.trouble is not None else ""
            moved = self._pump.take(tap, logs, flush=flush, reason=reason)
        if tap.stuck is not None:
            write = partial(lane.pump.write, tap.stuck, logs.rotate)
            self._lanes.submit(lane, tap, write, partial(self._passed, tap, tap.stuck))
            tap.passing = True
            self._epoll.modify(tap.fd, 0)
        return moved

    def _passed(self, tap: Tap, stuck: Spool, carry: Carry | None, error: Exception | None) -> None:
        """A lane has written a chunk, or could not."""
        tap.passing = False
        if self._taps.get(tap.fd) is not tap:  # it was given up meanwhile
            stuck.close()
        elif isinstance(error, OSError):
            self._fail(tap, error, waits=error.errno in _UNREACHABLE)
        elif error is not None:
            raise error
        else:
            assert carry is not None
            stuck.close()
            tap.stuck, tap.carry = None, carry
            self.written.tell(tap.name.app)
            self._go_on(tap)

    def _end_apart(self, tap: Tap, lane: Lane) -> None:
        """``_end``, chunk by chunk: each is followed by the next when its lane has written it."""
        if tap.passing:
            return
        if tap.left is None:
            tap.left = fifo.waiting(tap.fd)
        try:
            if tap.stuck is None and tap.left > 0:
                tap.left -= self._pass(tap, lane) or tap.left
            if tap.stuck is None and tap.carry:
                tap.carry = tap.carry.ended()
                self._pass(tap, lane, flush=True)
            elif tap.stuck is not None:
                self._pass(tap, lane)
        except OSError as error:
            self._fail(tap, error)
        else:
            if tap.stuck is None:
                self._remove(tap)

    def _hangs(self, tap: object, point: str) -> None:
        if isinstance(tap, Tap) and self._taps.get(tap.fd) is tap:
            self._troubles.hang(tap, f"{point} does not answer")

    # -- trouble -------------------------------------------------------------------------------

    def _fail(self, tap: Tap, error: OSError, *, waits: bool = False) -> None:
        """A chunk could not be written: leave the FIFO alone, report it, and try again later."""
        self._hold([tap])
        self._epoll.modify(tap.fd, 0)
        self._troubles.add(tap, error.strerror or str(error), waits=waits)

    def _retry(self, tap: Tap) -> None:
        lane = self._lane(tap)
        try:
            if lane is None:
                self._move(tap)
            else:
                self._pass(tap, lane)
        except OSError as error:
            self._fail(tap, error)
            return
        if not tap.passing:
            self._go_on(tap)

    def _go_on(self, tap: Tap) -> None:
        """What was in the way is over."""
        self._troubles.over(tap)
        if tap.ended:
            self._end(tap)
        else:
            self._arm(tap)


def _turn_all(pump: Pump, place: str, rotate: Rotate) -> None:
    for path in logfile.current(place):
        with contextlib.suppress(OSError):  # the next chunk reports it
            pump.turn(path, rotate)
