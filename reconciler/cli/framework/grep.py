"""The pattern of `--grep`, which no line holds up for long.

``re`` backtracks: on a line that it does not match, ``(a+)+$`` may take years. It looks for signals
meanwhile, though. So Ctrl-C ends it, and so does a timer of the processor time that one line took.
"""

from __future__ import annotations

import contextlib
import re
import signal
from collections.abc import Iterator
from types import FrameType

from reconciler.cli.framework.errors import CliError, usage
from reconciler.observed.probes.search import is_plain

_TICK = 0.5
"""Seconds of processor time between two looks at whether it is still the same line."""
_MOST = 4
"""Looks at which it was: two seconds, for what takes microseconds."""


class Grep:
    """A compiled pattern, as far as logs need one."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self._pattern = pattern
        self._lines = self._seen = self._ticks = 0
        self._length = 0

    def search(self, text: str) -> re.Match[str] | None:
        """The match; CliError where that takes too long."""
        self._lines += 1
        self._length = len(text)
        found = self._pattern.search(text)
        self._length = 0
        return found

    def tick(self, signum: int, frame: FrameType | None) -> None:
        """Some processor time went by."""
        same = self._length > 0 and self._seen == self._lines
        self._ticks = self._ticks + 1 if same else 0
        self._seen = self._lines
        if self._ticks >= _MOST:
            what = f"--grep {self._pattern.pattern!r} takes too long on a line of {self._length}"
            raise CliError(f"{what} characters; simplify it: avoid nested repetition, as in (a+)+")


@contextlib.contextmanager
def compiled(grep: str | None) -> Iterator[Grep | re.Pattern[str] | None]:
    """The pattern, bounded within the ``with``; a usage error where it is none."""
    if grep is None:
        yield None
        return
    try:
        pattern = re.compile(grep)
    except (re.error, OverflowError, RecursionError) as error:
        why = (
            error
            if isinstance(error, re.error)
            else "it is nested too deeply, or a count in it is too large"
        )
        raise usage(f"--grep {grep[:60]!r} is not a regular expression: {why}") from None
    if is_plain(grep):
        yield pattern
        return
    bounded = Grep(pattern)
    before = signal.signal(signal.SIGVTALRM, bounded.tick)
    signal.setitimer(signal.ITIMER_VIRTUAL, _TICK, _TICK)
    try:
        yield bounded
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
