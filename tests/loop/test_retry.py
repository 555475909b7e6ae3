"""The controller's own ladder: soon at first, rarer later, never in step, never giving up."""

from __future__ import annotations

from reconciler.loop.retry import Trouble, delay, put_off
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Process, ProcessId, Tag
from reconciler.model.state.plan import Decision, End, Start
from tests.diff.simhost import app_of


def test_it_doubles_from_a_fifth_of_a_second_to_fifteen() -> None:
    for attempt, base in ((1, 0.2), (2, 0.4), (3, 0.8), (7, 12.8), (8, 15), (10_000, 15)):
        assert base <= delay(attempt) <= base * 1.2


def test_a_thousand_do_not_come_back_in_one_instant() -> None:
    assert len({delay(5) for _ in range(1000)}) > 900


def test_only_starts_of_the_revision_in_trouble_wait_for_their_next_try() -> None:
    app = app_of()
    old = Process(Tag("s", "web", 1, "old", "n"), ProcessId(1, 1), 0.0)
    start, end = Start(0, app.hash, ""), End(old, "")
    made = Decision("web", app, (start, end), AppMemory(), look_again_at=500.0)
    trouble = Trouble.after(None, app.hash, "no more processes", now=100.0)
    later = put_off(made, trouble, 100.1)
    assert later.actions == (end,) and later.look_again_at == trouble.until
    assert put_off(made, trouble, trouble.until) is made
    assert put_off(made, Trouble.after(None, "another", "", now=100.0), 100.1) is made
    assert put_off(made, None, 100.1) is made
    assert Trouble.after(trouble, app.hash, "", now=100.0).attempt == 2
