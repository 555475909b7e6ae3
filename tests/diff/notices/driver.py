"""A target on a fake clock: events go in, and messages come out when they are due."""

from __future__ import annotations

from dataclasses import replace

from reconciler.diff.notices.compose import Origin
from reconciler.diff.notices.grouping import Group, Standing
from reconciler.diff.notices.incidents import GroupState
from reconciler.diff.notices.problems import ProblemKind
from reconciler.model.spec.notify import NotifyTarget
from reconciler.model.state.event import EndDetails, Event
from reconciler.model.state.notice import Notice
from reconciler.model.words.sentence import Sentence

ORIGIN = Origin("host1", "0badcafe")
UNWELL = frozenset({ProblemKind.CRASHING, ProblemKind.UNREADY})


class FakeAround:
    """What the controller would say. Apps that are ``unwell`` have instances that do not run."""

    def __init__(self) -> None:
        self.unwell: set[str] = set()
        self.own: frozenset[ProblemKind] = frozenset()
        self.standings: dict[str, Standing] = {}
        self.ends: dict[str, EndDetails] = {}

    def standing(self, app: str) -> Standing:
        return self.standings.get(app, Standing(revision=3))

    def persists(self, app: str) -> frozenset[ProblemKind]:
        if not app:
            return self.own
        return UNWELL if app in self.unwell else frozenset()

    def last_end(self, app: str) -> EndDetails | None:
        return self.ends.get(app)

    def cause(self, app: str, end: EndDetails) -> Sentence | None:
        return Sentence(f"it ended with exit {end.code}", "read its last lines")


class Driver:
    """Runs one group. ``messages`` are all that were made."""

    def __init__(self, **target: object) -> None:
        self.target = NotifyTarget.model_validate({"webhook": "https://host/x", **target})
        self.around = FakeAround()
        self.now = 1_000_000.0
        self.messages: list[Notice] = []
        self.group = Group("ops", self.target, GroupState(), ORIGIN)

    def restart(self) -> None:
        """As a controller that was killed: only what the journal has is known."""
        state = GroupState.from_text(self.group.state.to_text())
        self.group = Group("ops", self.target, state, ORIGIN)

    def event(self, app: str, reason: str, message: str = "", **more: object) -> None:
        kind = "Normal" if more.pop("normal", False) else "Warning"
        made = Event(app, reason, message or f"{reason} of {app}", kind, 0)  # type: ignore[arg-type]
        event = replace(made, **more)  # type: ignore[arg-type]
        if event.end is not None:
            self.around.ends[app] = event.end
        self.group.add(event, self.now, self.around)
        self._tick()

    def crash(self, app: str, code: int = 3) -> None:
        """One turn of a crash loop."""
        self.around.unwell.add(app)
        self.around.ends[app] = end = EndDetails(code=code, uptime=0.1, stderr=("boom",))
        self.event(app, "Exited", "pid 7 ended: exit 3", end=end)
        self.event(app, "BackOff", "crashed 2 times in a row; next try in 1.0 s")

    def runs(self, app: str) -> None:
        self.around.unwell.discard(app)

    def wait(self, seconds: float) -> None:
        """Let time pass, looking when the group wants to."""
        until = self.now + seconds
        for _ in range(100_000):
            wait = self.group.wait(self.now)
            if wait is None or self.now + wait > until:
                break
            self.now += max(wait, 0.02)
            self._tick()
        else:
            raise AssertionError("it never rests")
        self.now = max(self.now, until)
        self._tick()

    def _tick(self) -> None:
        notice = self.group.tick(self.now, self.around)
        if notice is not None:
            self.messages.append(notice)

    @property
    def subjects(self) -> list[str]:
        return [message.subject for message in self.messages]
