"""Rises are judged together, once, and the host is looked at for nothing else."""

from __future__ import annotations

from typing import Any, cast

import pytest

from reconciler.checks import rises as module
from reconciler.diff import admission as rules
from reconciler.diff.core.situation import AppSituation, Moment
from reconciler.loop.admission import Admission
from reconciler.model.host.facts import HostFacts
from reconciler.model.host.load import Room
from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, JournalState
from reconciler.model.state.observed import Observed
from tests.diff.simhost import app_of


class Controller:
    """What Admission asks of its neighbours: declared apps, memories, and no process at all."""

    def __init__(self, *apps: DesiredApp) -> None:
        self.memories: dict[str, AppMemory] = {}
        self.journal = JournalState()
        self.told: list[Event] = []
        self.flushed = 0
        self._apps: dict[str, DesiredApp] = {}
        self.edit(*apps)
        self.admission = Admission(*(cast("Any", self),) * 3, HostFacts())

    def edit(self, *apps: DesiredApp) -> None:
        self._apps |= {app.name: app for app in apps}

    def apps(self) -> dict[str, DesiredApp]:
        return self._apps

    def observed(self, app: str | None = None) -> Observed:
        return Observed()

    def memory(self, name: str) -> AppMemory:
        return self.memories.get(name, AppMemory())

    def remember(self, name: str, memory: AppMemory) -> None:
        self.memories[name] = memory

    def record(self, event: Event) -> None:
        self.told.append(event)

    def flush(self) -> bool:
        self.flushed += 1
        return True

    def pass_of(self, name: str) -> bool:
        """One pass; whether a rise of the app waits."""
        app, memory = self._apps[name], self.memory(name)
        verdicts = self.admission.verdict(app, memory, ())
        at = AppSituation.of(app, (), memory, Moment(0.0, loads=verdicts))
        self.memories[name] = rules.settle(at).memory
        return self.memories[name].withheld is not None


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[Room]:
    """A host with room for a hundred instances; each look at it is noted."""
    made: list[Room] = []

    def room(*_: object) -> Room:
        made.append(Room(memory=100 * (8 << 20)))
        return made[-1]

    monkeypatch.setattr(module, "room", room)
    return made


def test_of_many_new_apps_the_first_pass_judges_all(looks: list[Room]) -> None:
    names = [f"a{number}" for number in range(50)]
    controller = Controller(*(app_of(name, instances=2) for name in names))
    assert not any(controller.pass_of(name) for name in names)
    assert len(looks) == 1
    assert not any(controller.pass_of(name) for name in names) and len(looks) == 1
    controller.edit(app_of("more"))
    assert controller.pass_of("more") and len(looks) == 2, "they have yet to start"


def test_a_verdict_is_on_one_count_and_used_up_with_it(looks: list[Room]) -> None:
    controller = Controller(app_of("web", instances=1))
    controller.pass_of("web")
    controller.edit(app_of("web", instances=90))
    assert not controller.pass_of("web")
    controller.edit(app_of("web", instances=1))
    controller.pass_of("web")
    controller.edit(app_of("api", instances=90))
    assert not controller.pass_of("api")
    controller.edit(app_of("web", instances=90))
    assert controller.pass_of("web"), "there was room a moment ago"


def test_every_rise_that_there_is_is_confirmed_and_none_that_follows(looks: list[Room]) -> None:
    controller = Controller(app_of("web", instances=900), app_of("api", instances=2))
    assert controller.pass_of("web") and not controller.pass_of("api")
    controller.edit(app_of("new", instances=700))  # not even looked at yet
    assert controller.admission.confirm() == {"web", "new"} and controller.flushed == 1
    assert [event.reason for event in controller.told] == ["LoadConfirmed"] * 2
    assert not controller.pass_of("web") and not controller.pass_of("new")
    assert controller.admission.confirm() == set() and controller.flushed == 1
    controller.edit(app_of("web", instances=901))
    assert controller.pass_of("web")


def test_what_waits_is_judged_again_when_it_is_asked_for(
    looks: list[Room], monkeypatch: pytest.MonkeyPatch
) -> None:
    controller = Controller(app_of("web", instances=900))
    assert controller.pass_of("web")
    monkeypatch.setattr(module, "room", lambda *_: Room(memory=1 << 40))
    assert controller.pass_of("web"), "nothing begins by itself"
    controller.admission.judge_again()
    assert not controller.pass_of("web")
