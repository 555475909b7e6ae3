"""The last lines that one process wrote, from the end of its log: bounded, whatever is in there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from reconciler.logs.read.compressed import opened
from reconciler.logs.read.files import LogFile, LogLine, find
from reconciler.model.host.fifo import Stream

_TAIL = 2**15
"""Bytes of each log that are looked at."""


_LINES = 60


class Written(NamedTuple):
    """What a process wrote last."""

    stream: Stream
    lines: tuple[str, ...]


def last_output(
    state_dir: Path, app: str, instance: int, *, since: float | None, until: float | None
) -> Written:
    """The last lines of one instance between two times (wall seconds): of its standard
    error, else of its standard output. Lines without a time are of the last process, for all that
    can be told. May wait for a disk: never call it on the event loop.
    """
    logs = [log for log in find(state_dir, [app]) if log.instance in (instance, None)]
    lines = [line for log in logs for line in _tail(log) if line.instance in (instance, None)]
    lines = [line for line in lines if line.app == app and _is_within(line, since, until)]
    errors = [line.text for line in lines if line.stream == "err"]
    if any(text.strip() for text in errors):
        return Written("err", tuple(errors[-_LINES:]))
    return Written("out", tuple([line.text for line in lines if line.stream == "out"][-_LINES:]))


def _is_within(line: LogLine, since: float | None, until: float | None) -> bool:
    if line.time is None:
        return True
    return (since is None or line.time >= since) and (until is None or line.time <= until)


def _tail(log: LogFile) -> Iterator[LogLine]:
    """The lines at the end of the current file, or of the one before where that is empty."""
    for path, _ in log.files()[:2]:
        raw = _end_of(path)
        if raw:
            found = (log.line(line) for line in raw)
            yield from (line for line in found if line is not None)
            return


def _end_of(path: Path) -> Sequence[bytes]:
    try:
        with opened(path) as source:
            if source is None or source.size == 0:
                return ()
            at = max(0, source.size - _TAIL)
            lines = source.read(_TAIL, at).split(b"\n")
    except OSError:
        return ()
    whole = lines[1:] if at else lines
    return whole[:-1] if whole and not whole[-1] else whole
