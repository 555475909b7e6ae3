"""What notifications say of an app beside its events: whether a problem persists, and its cause."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from reconciler.diff.diagnosis import Evidence, Output, diagnose
from reconciler.diff.notices.grouping import Around, Standing
from reconciler.diff.notices.problems import ProblemKind
from reconciler.model.spec.lifecycle import RestartPolicy
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import DesiredJob, Workload
from reconciler.model.state.event import EndDetails, Event
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Exit, Process, RunState
from reconciler.model.words.sentence import Sentence
from reconciler.state.history import History

_ENDS = 2000
"""Apps whose last end is remembered."""
_OF_PROCESSES = frozenset({ProblemKind.CRASHING, ProblemKind.UNREADY})


class Surroundings:
    """Answers from what the controller knows, in microseconds."""

    def __init__(
        self,
        history: History,
        *,
        declared: Callable[[], Mapping[str, Workload]],
        processes: Callable[[str], Sequence[Process]],
        problems: Callable[[], int],
    ) -> None:
        """``problems``: how many mistakes there are in the manifests."""
        self._history = history
        self._declared, self._processes, self._problems = declared, processes, problems
        self._ends: dict[str, EndDetails] = {}

    def note(self, event: Event) -> None:
        """Remember how a process has failed."""
        end = event.end
        if end is not None and event.app and (end.code or end.signal):
            self._ends.pop(event.app, None)
            self._ends[event.app] = end
            if len(self._ends) > _ENDS:
                del self._ends[next(iter(self._ends))]

    def last_end(self, app: str) -> EndDetails | None:
        """How a process of an app failed last."""
        return self._ends.get(app)

    def standing(self, app: str) -> Standing:
        """What is declared of it."""
        if not app:
            return Standing()
        workload = self._declared().get(app)
        if workload is None:
            return Standing(stopped="" if self._processes(app) else f"{app} was removed")
        spec = workload.spec
        stays_down = isinstance(spec, AppSpec) and spec.restart_policy is RestartPolicy.NEVER
        return Standing(
            f"{app} is suspended" if spec.suspend else "",
            workload.labels,
            isinstance(workload, DesiredJob),
            stays_down,
            _revision(self._history.memory(app)),
        )

    def persists(self, app: str) -> frozenset[ProblemKind]:
        """The problems that can be seen now."""
        if not app:
            found = {ProblemKind.MANIFEST} if self._problems() else set()
            found |= set() if self._history.journal.writable else {ProblemKind.STATE}
            return frozenset(found)
        workload = self._declared().get(app)
        if workload is None or not isinstance(workload.spec, AppSpec):
            return frozenset()
        running = [one for one in self._processes(app) if one.state is RunState.RUNNING]
        ready = sum(one.ready is True and not one.starting for one in running)
        return _OF_PROCESSES if ready < workload.spec.wanted else frozenset()

    def cause(self, app: str, end: EndDetails) -> Sentence | None:
        """Why a process ended, as far as its last lines tell."""
        workload = self._declared().get(app)
        if workload is None:
            return None
        exit = Exit(code=end.code, signal=_number(end.signal))
        output = Output(end.stderr)
        cause = diagnose(Evidence(workload.spec, exit, uptime=end.uptime, output=output))
        return Sentence(cause.message, cause.remedy) if cause is not None else None


class Remembering:
    """The same for one moment: each app is looked at once, however many targets there are."""

    def __init__(self, around: Around) -> None:
        self.last_end, self.cause = around.last_end, around.cause
        self.standing = cache(around.standing)
        self.persists = cache(around.persists)


def _revision(memory: AppMemory) -> int | None:
    return memory.revisions[-1].number if memory.revisions else None


def _number(name: str) -> int | None:
    member = signal.Signals.__members__.get(name)
    return int(member) if member is not None else None
