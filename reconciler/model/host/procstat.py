"""The line of ``/proc/PID/stat``, parsed: pure, so that every package reads it the same way.

The program's name stands in parentheses and may itself hold spaces, parentheses and newlines
(proc(5)); everything after the *last* closing parenthesis is fields parted by single spaces.
"""

from __future__ import annotations

from typing import NamedTuple

STUB = b"recon-start"
"""The name of a stub; an exec gives a process its own."""


class ProcStat(NamedTuple):
    """The fields of ``/proc/PID/stat`` that recon needs."""

    pid: int
    state: str
    """One letter: R, S, D, T (stopped), t (traced), Z (zombie), X."""
    ppid: int
    group: int
    session: int
    start: int
    """Clock ticks since boot; with the pid it names a process for certain."""
    ticks: int = 0
    """Processor time of its own, in clock ticks."""
    waited_ticks: int = 0
    """Processor time of the children that it waited for."""
    rss: int = 0
    """Resident pages."""
    starting: bool = False
    """It is a stub, which has yet to become its program (``converge.process.stub``)."""


def parse_stat(line: bytes) -> ProcStat:
    """The fields of one line; ValueError where it is none.

    >>> parse_stat(b"7 (a) b) S 1 7 7 " + b"0 " * 15 + b"4242 0 9").start
    4242
    """
    head, bracket, tail = line.rpartition(b")")
    fields = tail.split(None, 22)
    if not bracket or len(fields) < 20:
        raise ValueError("not a line of /proc/PID/stat")
    return ProcStat(
        pid=int(head.partition(b" ")[0]),
        state=fields[0].decode("ascii"),
        ppid=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        start=int(fields[19]),
        ticks=int(fields[11]) + int(fields[12]),
        waited_ticks=int(fields[13]) + int(fields[14]),
        rss=int(fields[21]) if len(fields) > 21 else 0,
        starting=head.endswith(b"(" + STUB),
    )
