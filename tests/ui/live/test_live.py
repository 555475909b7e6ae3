"""Live looks by itself, says when it is blind, and costs the controller little."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any, cast

import pytest

from reconciler.api import following
from reconciler.api.client import Client
from reconciler.api.errors import ControllerLeftError, ControllerNotRunningError
from reconciler.ui.live import live as module
from reconciler.ui.live.live import Live
from reconciler.ui.live.snapshot import Snapshot
from tests.waiting import until


class Controller:
    """A client whose controller can leave, hang, come back and report events."""

    def __init__(self) -> None:
        self.looks = 0
        self.is_there = True
        self.hangs = threading.Event()
        self.hangs.set()
        self.news: list[dict[str, Any]] = []
        self.stir = threading.Condition()

    def status(self) -> dict[str, Any]:
        self.hangs.wait(60)
        self.looks += 1
        if not self.is_there:
            raise ControllerNotRunningError("no controller is running here")
        return {"apps": [{"name": "web", "looks": self.looks}]}

    def usage(self) -> dict[str, Any]:
        return {"instances": []}

    def events(self, **wanted: Any) -> Iterator[dict[str, Any]]:
        if not self.is_there:
            raise ControllerNotRunningError("no controller is running here")
        while self.is_there:
            with self.stir:
                self.stir.wait_for(lambda: self.news or not self.is_there, 60)
                found, self.news = self.news, []
            yield from found
        raise ControllerLeftError("it ended")

    def report(self, **event: Any) -> None:
        with self.stir:
            self.news.append({"id": "1-1", "reason": "Started", **event})
            self.stir.notify_all()

    def leave(self) -> None:
        with self.stir:
            self.is_there = False
            self.stir.notify_all()


@pytest.fixture
def controller(monkeypatch: pytest.MonkeyPatch) -> Iterator[Controller]:
    for where, name, value in (
        (module, "_AGAIN", 0.01),
        (module, "_PATIENCE", 0.05),
        (module, "_SHARE", 1.0),
        (module, "_SETTLED", 0.0),
        (following, "_AGAIN", 0.01),
    ):
        monkeypatch.setattr(where, name, value)
    found = Controller()
    yield found
    found.hangs.set()
    found.leave()


def following_it(controller: Controller, every: float = 0.01) -> Live:
    live = Live(cast(Client, controller), every=every)
    live.start()
    return live


def seen(live: Live, wanted: Callable[[Snapshot], bool]) -> Snapshot:
    """The first snapshot that is as wanted."""
    until(lambda: wanted(live.snapshot))
    return live.snapshot


def test_it_looks_again_by_itself_and_numbers_what_it_saw(controller: Controller) -> None:
    live = following_it(controller)
    first = live.changed(0, 60)
    later = live.changed(first.number, 60)
    assert later.number > first.number and later.app("web") is not None
    assert later.read_at >= first.read_at > 0 and not later.blind
    live.stop()


def test_without_its_controller_it_is_blind_keeps_what_it_knew_and_comes_back(
    controller: Controller,
) -> None:
    live = following_it(controller)
    known = live.changed(0, 60)
    controller.leave()
    blind = seen(live, lambda snapshot: bool(snapshot.blind))
    assert blind.blind == "no controller is running here" and blind.blind_since > 0
    assert blind.app("web") is not None and blind.read_at >= known.read_at
    controller.is_there = True
    back = seen(live, lambda snapshot: not snapshot.blind)
    assert back.blind_since == 0 and back.read_at > blind.read_at
    live.stop()


def test_a_controller_that_does_not_answer_makes_it_blind_too(controller: Controller) -> None:
    live = following_it(controller)
    live.changed(0, 60)
    controller.hangs.clear()
    blind = seen(live, lambda snapshot: bool(snapshot.blind))
    assert "has not answered" in blind.blind and blind.app("web") is not None
    controller.hangs.set()
    until(lambda: not live.snapshot.blind)
    live.stop()


def test_an_event_brings_the_next_look_forward_and_is_kept(controller: Controller) -> None:
    live = following_it(controller, every=3600)
    before = live.changed(0, 60)
    controller.report(app="web")
    after = seen(live, lambda snapshot: bool(snapshot.events))
    assert after.number > before.number
    assert [event["app"] for event in after.events] == ["web"]
    live.stop()


def test_while_nothing_happens_the_status_is_left_alone(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SETTLED", 3600.0)
    live = following_it(controller)
    number = live.changed(0, 60).number
    seen(live, lambda snapshot: snapshot.number > number + 5)
    assert controller.looks == 1
    controller.report(app="web")
    until(lambda: controller.looks == 2, what="an event is looked into")
    live.look()
    until(lambda: controller.looks == 3, what="a person has changed something")
    live.stop()


def test_of_a_flood_of_events_the_newest_are_kept(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    live = following_it(controller)
    for number in range(1000):
        controller.report(id=f"{number}-1")
    until(lambda: live.snapshot.events and live.snapshot.events[-1]["id"] == "999-1")
    assert len(live.snapshot.events) == 200
    live.stop()


def test_at_rest_it_leaves_the_controller_alone_until_it_is_woken(controller: Controller) -> None:
    live = following_it(controller, every=0.001)
    live.changed(0, 60)
    live.rest()
    seen = [controller.looks]

    def is_quiet() -> bool:
        seen.append(controller.looks)
        return len(seen) > 30 and len(set(seen[-30:])) == 1

    until(is_quiet, what="it looks no more")
    live.rest(False)
    until(lambda: controller.looks > seen[-1], what="it looks again")
    live.stop()


def test_its_looks_take_a_small_share_of_the_controllers_time(
    controller: Controller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that took 20 ms at 2 % is followed by a second of peace, whatever happens."""
    monkeypatch.setattr(module, "_SHARE", 0.02)
    pauses: list[float] = []
    live = Live(cast(Client, controller), every=0.001)

    def pause(least: float) -> None:
        pauses.append(least)
        live.stop()

    monkeypatch.setattr(live, "_pause", pause)
    monkeypatch.setattr(live, "_look_once", lambda happened: not threading.Event().wait(0.02))
    live._look_on()
    assert pauses[0] >= 1.0


def test_watchers_are_called_until_they_leave(controller: Controller) -> None:
    live = Live(cast(Client, controller), every=0.001)
    numbers: list[int] = []
    leave = live.on_change(lambda snapshot: numbers.append(snapshot.number))
    live.start()
    until(lambda: len(numbers) > 2)
    leave()
    leave()  # a second time is no error
    live.stop()
    assert numbers == sorted(set(numbers))
