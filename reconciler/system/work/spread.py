"""Work on many things, shared with the host's other processors: for the command line only.

Each helper is a fork of this process. All take their next batch from one pipe, so that a helper
that has to wait for its processor holds up no other. What a helper cannot do, or does not answer in
time, is done here: helpers make the work quicker, and nothing else.

Not for a process with an event loop, or with threads that hold locks: a fork has them as they were.
"""

from __future__ import annotations

import fcntl
import logging
import os
import pickle
import select
import signal
import struct
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NoReturn, TypeVar

T = TypeVar("T")
R = TypeVar("R")

FEWEST = 256
"""Fewer things are not worth a fork."""
_MOST_HELPERS = 3
_BATCH = 32
_MOST_BATCHES = 2000
"""Their numbers fit into a page, which is the least that a pipe holds."""
_NUMBER = struct.Struct("=H")
_HEADER = struct.Struct("=HI")
_PIECE = 1 << 20
_PATIENCE = 1.0
"""Seconds without an answer after which a helper's work is done here: a batch takes hundredths."""


def spread(
    items: Sequence[T],
    here: Callable[[T], R],
    there: Callable[[T], R | None],
    *,
    helpers: int | None = None,
) -> list[R]:
    """What ``here`` returns for each item, in their order.

    ``there`` is called by helpers: what it returns must be picklable, it must change nothing, and
    what is None is left to ``here``. ``helpers`` None: as many as there are processors beside this.
    """
    if helpers is None:
        helpers = min(len(os.sched_getaffinity(0)) - 1, _MOST_HELPERS)
    size = max(_BATCH, -(-len(items) // _MOST_BATCHES))
    batches = [items[first : first + size] for first in range(0, len(items), size)]
    done: dict[int, list[R]] = {}
    helped: dict[int, list[R | None]] = {}
    queue = _queue(len(batches))
    crew = [*_crew(helpers, queue, lambda number: [*map(there, batches[number])])]
    try:
        while (number := _taken(queue)) is not None:
            done[number] = [here(item) for item in batches[number]]
            for helper in crew:
                helped |= helper.answers(0.0)
        for helper in crew:
            while fresh := helper.answers(_PATIENCE):
                helped |= fresh
    finally:
        os.close(queue)
        for helper in crew:
            helper.close()
    for number, batch in enumerate(batches):
        if number not in done:
            found = helped.get(number) or [None] * len(batch)
            pairs = zip(batch, found, strict=True)
            done[number] = [here(item) if one is None else one for item, one in pairs]
    return [one for number in range(len(batches)) for one in done[number]]


def _queue(count: int) -> int:
    """A pipe with the numbers of all batches. A read takes one of them, whichever process reads."""
    reader, writer = os.pipe()
    os.write(writer, b"".join(map(_NUMBER.pack, range(count))))
    os.close(writer)
    return reader


def _taken(queue: int) -> int | None:
    number = os.read(queue, _NUMBER.size)
    return _NUMBER.unpack(number)[0] if number else None


def _crew(count: int, queue: int, work: Callable[[int], object]) -> Iterator[_Helper]:
    """As many helpers as there can be."""
    for _ in range(count):
        try:
            yield _Helper(queue, work)
        except OSError:
            return


class _Helper:
    """A process that takes batches from the queue, seen from here."""

    def __init__(self, queue: int, work: Callable[[int], object]) -> None:
        """OSError where there can be no process."""
        self._reader, writer = os.pipe()
        self._received = bytearray()
        try:
            with warnings.catch_warnings():
                # The other threads wait, and the child uses nothing of theirs.
                warnings.simplefilter("ignore", DeprecationWarning)
                self._pid = os.fork()
        except OSError:
            os.close(writer)
            os.close(self._reader)
            raise
        if self._pid == 0:
            _serve(queue, writer, work)
        os.close(writer)
        os.set_blocking(self._reader, False)

    def answers(self, seconds: float) -> dict[int, Any]:
        """What it has worked out, by batch, waited for so long; empty where nothing comes."""
        found: dict[int, Any] = {}
        while not found and select.select([self._reader], [], [], seconds)[0]:
            piece = os.read(self._reader, _PIECE)
            if not piece:
                break
            self._received += piece
            found = dict(self._whole())
        return found

    def _whole(self) -> Iterator[tuple[int, Any]]:
        """The answers that have come as a whole."""
        while len(self._received) >= _HEADER.size:
            number, length = _HEADER.unpack_from(self._received)
            end = _HEADER.size + length
            if len(self._received) < end:
                return
            yield number, pickle.loads(memoryview(self._received)[_HEADER.size : end].tobytes())
            del self._received[:end]

    def close(self) -> None:
        """End it. One that hangs in the kernel is left to that."""
        os.close(self._reader)
        os.kill(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, os.WNOHANG)


def _serve(queue: int, writer: int, work: Callable[[int], object]) -> NoReturn:
    """The life of a helper. What goes wrong is logged where it is done again."""
    logging.disable()
    try:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # no reader: the work is not needed any more
        fcntl.fcntl(writer, fcntl.F_SETPIPE_SZ, _PIECE)
    except OSError:
        pass  # then the pipe is small
    try:
        while (number := _taken(queue)) is not None:
            answer = pickle.dumps(work(number), pickle.HIGHEST_PROTOCOL)
            _write(writer, _HEADER.pack(number, len(answer)) + answer)
    finally:
        os._exit(0)


def _write(writer: int, answer: bytes) -> None:
    left = memoryview(answer)
    while left:
        left = left[os.write(writer, left) :]
