"""What `recon run` says on its terminal: the banner, then every event as it comes.

A terminal may stop reading (Ctrl-S) for as long as it likes, and the loop must not wait: so a
thread writes, and what it has not written yet is bounded.
"""

from __future__ import annotations

import contextlib
import queue
import signal
import time
from collections.abc import Callable

from reconciler.api.documents.timeline import Timeline, subject_of
from reconciler.state.journal.events import RecordedEvent
from reconciler.system.work import threads

_MOST = 1000
"""Lines that wait to be written; those beyond are left out."""


class Announcer:
    """Writes lines in their order, beside the loop. ``write`` may block."""

    def __init__(self, write: Callable[[str], object]) -> None:
        self._write = write
        self._timeline = Timeline()
        self._lines: queue.Queue[str] = queue.Queue(_MOST)
        with contextlib.suppress(OSError):  # no more threads just now: nothing is announced
            threads.start(self._run, name="announcer")

    def say(self, line: str) -> None:
        """Queue a line to be written; it is dropped if the terminal reads nothing."""
        try:
            self._lines.put_nowait(line)
        except queue.Full:
            pass

    def event(self, recorded: RecordedEvent) -> None:
        """Have an event written."""
        event = recorded.event
        when = time.strftime("%H:%M:%S", time.localtime(recorded.at))
        subject = subject_of(event.app, event.instance)
        self.say(self._timeline.line(when, subject, event.reason, event.message))

    def _run(self) -> None:
        # The loop's thread alone hears signals.
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True:
            try:
                self._write(self._lines.get())
            except OSError:
                return  # the terminal is gone
