"""What is found out about a process after it has ended: the lines it wrote last, its core file, who
has the port that it wanted.

The lines are in memory. A folder with core files may lie on a disk that does not answer, and /proc
may be large: so a thread looks at those, few at a time, and the event is completed afterwards.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from reconciler.checks.port_holder import holder_of
from reconciler.checks.redact import Redactor
from reconciler.diff.diagnosis import Output, taken_port
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.event import EndDetails
from reconciler.model.state.observed import Exit, Process
from reconciler.observed.processes import corefile
from reconciler.state.history import History
from reconciler.state.journal.events import RecordedEvent
from reconciler.system.clock import wall_of
from reconciler.system.work import threads

_LINES, _LENGTH = 10, 160
"""Lines of an event, and characters of each: an event is small, the log has it all."""
_AT_ONCE = 2
"""Threads that look, those that hang included; who ends meanwhile is told of without."""
_TRIES, _GAP = 10, 0.1
"""How often, and after how many seconds, a core file is looked for: systemd-coredump packs it."""


class PostMortem:
    """Finds out about ends. ``last_errors``: the last bytes on stderr of a nonce."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        history: History,
        redact: Redactor,
        *,
        last_errors: Callable[[str], bytes],
        processes: Callable[[], Sequence[Process]],
    ) -> None:
        self._loop = loop
        self._history = history
        self._redact = redact
        self._last_errors = last_errors
        self._processes = processes
        self._looking = 0

    def details(
        self,
        process: Process,
        exit: Exit,
        spec: ProgramSpec,
        ended_at: float,
        *,
        expected: bool = False,
    ) -> EndDetails:
        """What is known at once. ``expected``: it was stopped, so what it wrote tells nothing."""
        uptime = round(max(0.0, ended_at - process.started_at), 3)
        end = EndDetails(exit.code, exit.signal_name, uptime)
        if expected or spec.is_success(exit):
            return end
        text = self._last_errors(process.tag.nonce).decode(errors="replace")
        output = Output.of(text.splitlines())
        shown = tuple(self._redact(line)[:_LENGTH] for line in output.excerpt(_LINES))
        return replace(end, stderr=shown, port=taken_port(spec, output))

    def look(self, recorded: RecordedEvent, process: Process, spec: ProgramSpec) -> None:
        """Find out the rest, and complete the event."""
        end = recorded.event.end
        if end is None or self._looking >= _AT_ONCE:
            return
        if end.port is None and end.signal not in corefile.SIGNALS:
            return
        look = partial(_looked, end, process, spec.cwd, self._processes())
        try:
            threads.start(partial(self._work, recorded, look), name="postmortem")
        except OSError:  # no more threads just now
            return
        self._looking += 1
        self._history.begin_completing(recorded)

    def _work(self, recorded: RecordedEvent, look: Callable[[], EndDetails]) -> None:
        end: EndDetails | None = None
        try:
            end = look()
        except OSError:
            pass  # there is nothing to say of it
        finally:
            try:
                self._loop.call_soon_threadsafe(self._done, recorded, end)
            except RuntimeError:
                pass  # the loop has ended meanwhile

    def _done(self, recorded: RecordedEvent, end: EndDetails | None) -> None:
        self._looking -= 1
        self._history.complete(recorded, end)


def _looked(
    end: EndDetails, process: Process, cwd: str, processes: Sequence[Process]
) -> EndDetails:
    """The same with the core file and who has the port. In a thread; OSError."""
    if end.port is not None:
        holder = holder_of(end.port, processes)
        end = replace(end, holder=holder.name if holder is not None else "")
    if end.signal in corefile.SIGNALS:
        started = wall_of(process.started_at)
        for _ in range(_TRIES):
            core = corefile.find(process.id.pid, cwd, started)
            if core:
                return replace(end, core=core)
            time.sleep(_GAP)
    return end
