"""What keeps the output of instances over a restart of the controller, as plain data."""

from __future__ import annotations

from typing import NamedTuple


class Held(NamedTuple):
    """The streams of all instances, and the process that keeps them (``logs.write.holder``)."""

    streams: int
    unheld: int
    """Of the streams, those that the kernel refused to keep."""
    pid: int | None
    """Of the process; None while there is none."""
    ended: int
    """How often one was killed or ended by itself, since the controller began."""
    reason: str | None
    """The error that the kernel refused the last stream with, or the start of the process: as
    ``ETOOMANYREFS``."""
    limit: int
    """Of open files; so many descriptors may this user have on their way between processes."""
