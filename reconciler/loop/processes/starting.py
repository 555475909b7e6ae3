"""Starts that are under way: from the fork to the exec, which may never come.

Most are over when they are heard of. One whose program or directory is on a file system that does
not answer, or whose program is leased by another process, is shown in the status after a moment,
and killed in the end: it counts as a start that failed. Until it is dead nothing takes its place,
so no abandoned start becomes a second copy.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from signal import SIGKILL

from reconciler.converge.process.report import Report
from reconciler.model.state.observed import Process
from reconciler.observed.processes.host import Host
from reconciler.system.exec_errors import SpawnError

_TELL_AFTER, _PATIENCE = 0.5, 60.0
"""Seconds. A lease is broken by the kernel after 45 (lease-break-time, fcntl(2))."""
_CAUSE = (
    "the program's file or the working directory does not answer (a network file system, or a "
    "lease that another process holds on it)"
)
_WAITS = f"its program has not started yet: {_CAUSE}"
_GIVEN_UP = f"its program could not start within {_PATIENCE:g} s: {_CAUSE}"
_ABANDONED = "a previous controller began to start it, but its program has not started since"


@dataclass(slots=True)
class _Start:
    process: Process
    report: Report | None
    begun: Callable[[], None]
    timer: asyncio.TimerHandle | None = None
    failure: SpawnError | None = None


class Starting:
    """The starts under way, by nonce. ``on_change(app)``: there is something to tell of one."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, host: Host, on_change: Callable[[str], None]
    ) -> None:
        self._loop = loop
        self._host = host
        self._on_change = on_change
        self._starts: dict[str, _Start] = {}

    def __contains__(self, nonce: str) -> bool:
        return nonce in self._starts

    def follow(self, process: Process, report: Report, begun: Callable[[], None]) -> None:
        """Call ``begun`` when the program is exec'd."""
        nonce = process.tag.nonce
        start = self._starts[nonce] = _Start(process, report, begun)
        start.timer = self._loop.call_later(_TELL_AFTER, self._tell, start)
        self._host.follow(report.fileno(), partial(self._look, start))

    def abandon(self, process: Process) -> None:
        """End a start that an earlier controller began."""
        failure = SpawnError(f"cannot start {process.name}: {_ABANDONED}", transient=False)
        self._starts[process.tag.nonce] = _Start(process, None, lambda: None, failure=failure)
        self._host.signal(process.tag.nonce, SIGKILL)

    def ended(self, nonce: str) -> SpawnError | None:
        """Why the program of a process that has ended was not started; None where it was."""
        start = self._starts.get(nonce)
        if start is None:
            return None
        self._look(start)  # it may have been exec'd and have ended since the last look
        self._drop(start)
        self._starts.pop(nonce, None)
        return start.failure

    def close(self) -> None:
        """Leave them to the next controller."""
        for start in self._starts.values():
            self._drop(start)
        self._starts.clear()

    def _look(self, start: _Start) -> None:
        report = start.report
        if report is None or not report.look():
            return
        self._drop(start)
        start.failure = report.failure
        if report.failure is None:
            del self._starts[start.process.tag.nonce]
            start.begun()

    def _tell(self, start: _Start) -> None:
        nonce = start.process.tag.nonce
        self._host.update(nonce, ready=False, unready_reason=_WAITS, answer="")
        start.timer = self._loop.call_later(_PATIENCE - _TELL_AFTER, self._give_up, start)
        self._on_change(start.process.tag.app)

    def _give_up(self, start: _Start) -> None:
        start.failure = SpawnError(f"cannot start {start.process.name}: {_GIVEN_UP}", False)
        start.report, report = None, start.report
        assert report is not None
        self._host.unfollow(report.fileno())
        report.close()
        self._host.signal(start.process.tag.nonce, SIGKILL)

    def _drop(self, start: _Start) -> None:
        if start.timer is not None:
            start.timer.cancel()
        if start.report is not None:
            self._host.unfollow(start.report.fileno())
            start.report.close()
            start.report = None
