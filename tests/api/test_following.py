"""Events are followed over restarts of the controller, and none is shown twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.api import following
from reconciler.api.errors import ApiError, ControllerLeftError, ControllerNotRunningError
from reconciler.api.following import followed


class Script:
    """A client whose controllers do what was written down: events, then how that ends."""

    def __init__(self, *acts: Any) -> None:
        self.acts = iter(acts)
        self.asked: list[dict[str, Any]] = []

    def events(self, **asked: Any) -> Iterator[dict[str, Any]]:
        self.asked.append(asked)
        events, end = next(self.acts)
        yield from events
        if end is not None:
            raise end


LEFT = ControllerLeftError("it ended")
GONE = ControllerNotRunningError("nobody listens")


def event(id: str | None, reason: str = "Started") -> dict[str, Any]:
    return {"id": id, "reason": reason}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(following, "_AGAIN", 0)


def follow(client: Any, count: int, **wanted: Any) -> tuple[list[Any], int]:
    """The first ids that are shown, and how often it was said that the controller left."""
    left: list[None] = []
    events = followed(client, lambda: left.append(None), 5, **wanted)
    return [next(events)["id"] for _ in range(count)], len(left)


def test_it_goes_on_where_it_was_when_the_controller_is_back() -> None:
    client = Script(
        ([event("1-1"), event("2-2")], LEFT), ([], GONE), ([], GONE), ([event("3-3")], LEFT)
    )
    assert follow(client, 3, apps=("web",)) == (["1-1", "2-2", "3-3"], 1)
    assert [asked.get("after") for asked in client.asked] == [None, "2-2", "2-2", "2-2"]
    assert all(asked["apps"] == ("web",) and asked["follow"] for asked in client.asked)


def test_one_that_was_let_go_for_being_slow_comes_back_without_a_word() -> None:
    behind = event(None, "EventsLeftOut")
    client = Script(([event("1-1"), behind], None), ([event("2-2")], LEFT))
    assert follow(client, 2) == (["1-1", "2-2"], 0)


def test_that_events_were_lost_is_shown() -> None:
    client = Script(([event("1-1")], LEFT), ([event(None, "EventsLost"), event("9-9")], LEFT))
    assert follow(client, 3) == (["1-1", None, "9-9"], 1)


def test_one_that_has_read_nothing_yet_goes_on_from_when_it_began() -> None:
    client = Script(([], LEFT), ([event("1-1")], LEFT))
    assert follow(client, 1) == (["1-1"], 1)
    assert client.asked[1]["since"].startswith("20") and client.asked[1]["limit"] > 5


def test_without_a_controller_to_begin_with_there_is_nothing_to_follow() -> None:
    with pytest.raises(ControllerNotRunningError):
        follow(Script(([], GONE)), 1)


def test_a_refusal_is_not_waited_out() -> None:
    with pytest.raises(ApiError, match="no"):
        follow(Script(([], ApiError("no", 400))), 1)
