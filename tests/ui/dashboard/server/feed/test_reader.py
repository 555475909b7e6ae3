"""One app in full is asked for when something about it has changed, and not for each look."""

from __future__ import annotations

from typing import Any, cast

import pytest

from reconciler.api.client import Client
from reconciler.api.errors import ClientError
from reconciler.ui.dashboard.server.feed import reader as module
from reconciler.ui.dashboard.server.feed.reader import NoSuchAppError, Reader
from reconciler.ui.live.snapshot import Snapshot
from tests.ui.dashboard.standin import Standin, app_row, event_row


def reader_of(controller: Standin) -> Reader:
    return Reader(cast(Client, controller))


def snapshot(*apps: dict[str, Any], number: int = 1, events: Any = ()) -> Snapshot:
    return Snapshot(number, {"apps": [*apps]}, {"instances": []}, tuple(events))


def test_looks_without_a_change_ask_once() -> None:
    controller = Standin()
    reader = reader_of(controller)
    for number in range(5):
        reader.app("web", snapshot(app_row(), number=number))
    assert controller.asked == ["describe web"]


@pytest.mark.parametrize(
    "after",
    [
        snapshot(app_row(health="Degraded")),
        snapshot(app_row(conditions=[{"type": "x"}])),
        snapshot(app_row(instances=[])),
        snapshot(app_row(), events=[event_row(app="web")]),
    ],
)
def test_a_change_of_the_app_asks_again_and_one_of_another_does_not(after: Snapshot) -> None:
    controller = Standin()
    reader = reader_of(controller)
    reader.app("web", snapshot(app_row()))
    reader.app("web", snapshot(app_row(), app_row("api", health="Degraded")))
    assert len(controller.asked) == 1
    reader.app("web", after)
    assert len(controller.asked) == 2


def test_its_charts_are_asked_for_as_often_as_there_are_samples(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_SAMPLED", 0.0)
    controller = Standin()
    reader = reader_of(controller)
    reader.app("web", snapshot(app_row()))
    reader.app("web", snapshot(app_row()))
    assert len(controller.asked) == 2


def test_without_a_controller_what_was_known_is_known_and_nothing_else() -> None:
    controller = Standin()
    reader = reader_of(controller)
    known = reader.app("web", snapshot(app_row()))
    controller.is_there = False
    assert reader.app("web", snapshot(app_row(health="Degraded"))) == known
    with pytest.raises(ClientError):
        reader.app("api", snapshot(app_row()))


def test_an_app_that_does_not_exist_is_said_and_forgotten() -> None:
    controller = Standin()
    reader = reader_of(controller)
    reader.app("web", snapshot(app_row()))
    controller.apps = []
    with pytest.raises(NoSuchAppError):
        reader.app("web", snapshot())


def test_the_plan_is_asked_for_only_where_something_differs() -> None:
    change = {"app": "web", "action": "update"}
    controller = Standin(changes=[change, {"app": "api"}])
    assert reader_of(controller).app("web", snapshot()).plan is None
    controller.apps = [app_row(sync="OutOfSync")]
    assert reader_of(controller).app("web", snapshot()).plan == change


def test_whether_it_may_act_is_asked_by_an_action_that_does_nothing() -> None:
    for may_act in (True, False):
        controller = Standin(may_act=may_act)
        reader = reader_of(controller)
        assert reader.may_act() is may_act
        controller.may_act = not may_act
        assert reader.may_act() is may_act, "it is not asked for each page"
        assert controller.done == []


def test_of_many_apps_few_are_remembered() -> None:
    controller = Standin(apps=[app_row(f"app-{n}") for n in range(100)])
    reader = reader_of(controller)
    for n in range(100):
        reader.app(f"app-{n}", snapshot())
    assert len(reader._known) == 32 and len(reader._locks) <= 33
