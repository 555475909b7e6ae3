"""A message is tried until it is sent or its time is up: more and more rarely."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from reconciler.notify import delivery as module
from reconciler.notify.delivery import Delivery
from reconciler.notify.outcome import Outcome
from reconciler.notify.target import Target
from tests.notify.conftest import message


class Receiver:
    """Answers with these outcomes, the last one again and again."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = [*outcomes]
        self.targets: list[Target] = []

    async def __call__(self, target: Target, message: dict[str, Any]) -> Outcome:
        self.targets.append(target)
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


def delivered(receiver: Receiver, target: Target, **more: Any) -> list[dict[str, Any]]:
    reports: list[dict[str, Any]] = []
    asyncio.run(Delivery(target, receiver, reports.append).deliver(message(**more)))
    return reports


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST", 0.01)
    monkeypatch.setattr(module, "LONGEST", 0.05)


def test_it_is_tried_again_until_it_is_sent() -> None:
    receiver = Receiver(Outcome("busy"), Outcome("busy"), Outcome())
    reports = delivered(receiver, Target("ops"))
    assert [one["what"] for one in reports] == ["failed", "failed", "sent"]
    assert [one.get("attempts") for one in reports] == [1, 2, None]
    assert {one["id"] for one in reports} == {message()["id"]}


def test_it_is_given_up_when_its_time_is_over() -> None:
    reports = delivered(Receiver(Outcome("busy")), Target("ops", give_up=0.2))
    assert len(reports) > 2
    assert reports[-1]["what"] == "given-up" and reports[-1]["error"] == "busy"


def test_the_time_counts_from_when_the_message_was_made() -> None:
    receiver = Receiver(Outcome("busy"))
    reports = delivered(receiver, Target("ops", give_up=100), createdAt=time.time() - 101)
    assert [one["what"] for one in reports] == ["given-up"]


def test_the_waits_grow_and_have_a_limit() -> None:
    reports = delivered(Receiver(Outcome("busy")), Target("ops", give_up=0.5))
    waits = [one["next"] for one in reports if one["what"] == "failed"]
    assert max(waits) <= 0.07 and waits[0] <= 0.03


def test_a_server_that_asks_for_time_gets_it() -> None:
    receiver = Receiver(Outcome("too many", retry_after=0.3), Outcome())
    began = time.monotonic()
    reports = delivered(receiver, Target("ops"))
    assert reports[0]["next"] == 0.3 and time.monotonic() - began >= 0.29


def test_another_declaration_is_tried_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST", 300.0)
    monkeypatch.setattr(module, "LONGEST", 300.0)
    receiver = Receiver(Outcome("no such host"), Outcome())

    async def edited() -> list[dict[str, Any]]:
        reports: list[dict[str, Any]] = []
        one = Delivery(Target("ops", url="json://wrong"), receiver, reports.append)
        task = asyncio.create_task(one.deliver(message()))
        while not reports:
            await asyncio.sleep(0.001)
        one.declare(Target("ops", url="json://wrong"))  # the same: nothing happens
        await asyncio.sleep(0)
        one.declare(Target("ops", url="json://right"))
        await asyncio.wait_for(task, 60)
        return reports

    assert [one["what"] for one in asyncio.run(edited())] == ["failed", "sent"]
    assert [target.url for target in receiver.targets] == ["json://wrong", "json://right"]
