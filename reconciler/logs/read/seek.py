"""Lines of a log from its end, from a point on, and the point where a time begins.

Times rise in a log. So a time is found by bisection: some twenty reads of a few KiB in a terabyte.
Where a clock was set back, lines of the hours that came twice may be left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from reconciler.logs.read.compressed import Source

BLOCK = 2**16
_PROBE = 2**14
TimeOf = Callable[[bytes], float | None]


def forwards(source: Source, at: int) -> Iterator[tuple[int, bytes]]:
    """(offset, line) from the line that begins at ``at`` on; half a line at the end is left out."""
    pieces: list[bytes] = []
    begin = at
    while block := source.read(BLOCK, at):
        at += len(block)
        first, *others = block.split(b"\n")
        pieces.append(first)
        if not others:
            continue
        *whole, rest = b"".join(pieces), *others
        pieces = [rest]
        for line in whole:
            yield begin, line
            begin += len(line) + 1


def backwards(source: Source, end: int) -> Iterator[tuple[int, bytes]]:
    """(offset, line) of the whole lines before ``end``, last first."""
    at = end
    rest: list[bytes] = []
    """Blocks of a line whose beginning is still to be read, last first."""
    newline: int | None = None
    """Where the line that is read next ends. What follows the last newline is half a line, which is
    still to come."""
    while at > 0:
        size = min(BLOCK, at)
        at -= size
        first, *lines = source.read(size, at).split(b"\n")
        if not lines:
            rest.append(first)
            continue
        lines[-1] += b"".join(reversed(rest))
        rest = [first]
        for line in reversed(lines):
            start = (end if newline is None else newline) - len(line)
            if newline is not None:
                yield start, line
            newline = start - 1
    if newline is not None:
        yield 0, b"".join(reversed(rest))


def end_of_lines(source: Source) -> int:
    """Where the last whole line ends, behind its newline."""
    at = source.size
    while at > 0:
        size = min(BLOCK, at)
        found = source.read(size, at - size).rfind(b"\n")
        if found >= 0:
            return at - size + found + 1
        at -= size
    return 0


def first_time(source: Source, time_of: TimeOf) -> float | None:
    """The first time in the file; None where its beginning has none."""
    for offset, line in forwards(source, 0):
        when = time_of(line)
        if when is not None or offset > BLOCK:
            return when
    return None


def seek(source: Source, when: float, time_of: TimeOf, *, after: bool = False) -> int:
    """The offset of the first line of that time or later (``after``: later than that).

    A line without a time belongs to the one before it. The end where all are earlier.
    """

    def early(time: float) -> bool:
        return time <= when if after else time < when

    low, high = 0, source.size
    answer = source.size
    while high - low > BLOCK:
        middle = (low + high) // 2
        found = _timed_after(source, middle, high, time_of)
        if found is None:
            high = middle
        elif early(found[1]):
            low = found[0]
        else:
            high, answer = middle, found[0]
    for offset, line in forwards(source, low):
        if offset >= answer:
            break
        time = time_of(line)
        if time is not None and not early(time):
            return offset
    return answer


def _timed_after(source: Source, at: int, end: int, time_of: TimeOf) -> tuple[int, float] | None:
    """(offset, time) of the first line with a time that begins in ``(at, end)``."""
    begin: int | None = None
    rest = b""
    while at < end and (block := source.read(_PROBE, at)):
        if begin is None:
            cut = block.find(b"\n")
            if cut < 0:
                at += len(block)
                continue
            begin, rest = at + cut + 1, block[cut + 1 :]
        else:
            rest += block
        at += len(block)
        *lines, rest = rest.split(b"\n")
        for line in lines:
            if begin >= end:
                return None
            when = time_of(line)
            if when is not None:
                return begin, when
            begin += len(line) + 1
    return None
