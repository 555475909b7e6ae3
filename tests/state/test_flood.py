"""What one app says again and again pushes out nothing that others said."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.state.event import Event
from reconciler.state import flood as flood_module
from reconciler.state.flood import BURST, REFILL, Flood
from reconciler.state.journal.journal import Journal
from reconciler.state.journal.pending import EVENTS_KEPT_OF_APP

steps = st.lists(
    st.tuples(st.sampled_from("ab"), st.sampled_from(["Unhealthy", "Started"]), st.floats(0, 90)),
    max_size=300,
)


@given(steps)
def test_each_kind_is_told_in_bounds_and_every_event_is_counted(
    steps: list[tuple[str, str, float]],
) -> None:
    flood, now, given, told = Flood(), 0.0, 0, list[Event]()
    for app, reason, wait in steps:
        now += wait
        given += 1
        told += flood.due(now)
        told += flood.admit(Event(app, reason, "it happened", instance=0), now)
    told += flood.due(now + REFILL)
    summaries = [re.match(r"(\d+) more like this", event.message) for event in told]
    assert given == sum(int(found[1]) if found else 1 for found in summaries)
    for app in "ab":
        for reason in ("Unhealthy", "Started"):
            mine = [one for one in told if (one.app, one.reason) == (app, reason)]
            assert len(mine) <= 2 * (BURST + now / REFILL + 1)


@given(st.integers(0, 5), st.floats(REFILL, 3600))
def test_what_is_slow_is_told_as_it_comes(instance: int, wait: float) -> None:
    flood = Flood()
    for count in range(100):
        event = Event("web", "BackOff", f"crash {count}", "Warning", instance)
        assert list(flood.admit(event, count * wait)) == [event]


def test_a_burst_is_summed_up_once_it_is_over() -> None:
    flood = Flood()
    events = [Event("web", "Unhealthy", str(number), instance=0) for number in range(BURST + 5)]
    told = [one for event in events for one in flood.admit(event, 0.0)]
    assert told == events[:BURST]
    assert list(flood.due(REFILL - 1)) == []
    (summary,) = flood.due(REFILL)
    assert summary.message == f"5 more like this, the last one: {BURST + 4}"
    assert list(flood.due(10 * REFILL)) == [], "it is told once"


def test_the_next_that_is_told_comes_after_what_was_left_out() -> None:
    flood = Flood()
    for number in range(BURST + 3):
        list(flood.admit(Event("web", "Unhealthy", str(number), instance=0), 0.0))
    last = Event("web", "Unhealthy", "last", instance=0)
    summary, told = flood.admit(last, REFILL)
    assert summary.message.startswith("3 more like this") and told == last


def test_what_is_remembered_of_kinds_is_bounded_and_the_idle_go_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(flood_module, "_KINDS_KEPT", 50)
    flood = Flood()
    busy = Event("web", "Unhealthy", "x", instance=0)
    for _ in range(BURST):
        list(flood.admit(busy, 0.0))
    for number in range(150):
        list(flood.admit(Event(f"app{number}", "Started", "x"), 0.0))
        list(flood.admit(busy, 0.0))
        assert len(flood._buckets) <= 50
    assert list(flood.admit(busy, 0.0)) == [], "one that is at work is not forgotten"
    later = 2 * BURST * REFILL
    list(flood.admit(Event("late", "Started", "x"), later))
    assert 50 - flood_module._LOOKED_AT <= len(flood._buckets) < 50, "some, not all at once"


def test_what_may_burst_in_full_again_is_forgotten_and_no_sooner() -> None:
    flood = Flood()
    started = [Event("web", "Started", "x", instance=number) for number in range(1000)]
    for event in started:
        list(flood.admit(event, 0.0))
    list(flood.admit(started[0], 0.0))
    assert list(flood.due(REFILL - 1)) == [] and len(flood._buckets) == 1000
    assert list(flood.due(REFILL)) == []
    assert [*flood._buckets] == [("web", 0, "Started")], "it was told twice"
    told = [one for _ in range(BURST) for one in flood.admit(started[0], REFILL)]
    assert len(told) == BURST - 1


def test_what_was_left_out_is_not_forgotten_before_it_is_summed_up() -> None:
    flood = Flood()
    for _ in range(BURST + 1):
        list(flood.admit(Event("web", "Unhealthy", "x", instance=0), 0.0))
    (summary,) = flood.due(BURST * REFILL)
    assert summary.message.startswith("1 more like this")
    assert not flood._buckets


def test_a_thousand_instances_each_start_once() -> None:
    flood = Flood()
    events = [Event("web", "Started", "started", instance=number) for number in range(1000)]
    assert [told for event in events for told in flood.admit(event, 0.0)] == events


def test_an_app_keeps_its_newest_events_and_takes_none_from_others(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "db", "boot")
    journal.record(Event("quiet", "Started", "long ago"))
    for number in range(3 * EVENTS_KEPT_OF_APP):
        journal.record(Event("loud", "Unhealthy", str(number)))
        if number % 500 == 0:
            journal.commit()
    journal.commit()
    assert [one.event.message for one in journal.events(("quiet",))] == ["long ago"]
    loud = [one.event.message for one in journal.events(("loud",), 10**6)]
    assert loud == [str(n) for n in range(3 * EVENTS_KEPT_OF_APP)][-len(loud) :]
    assert EVENTS_KEPT_OF_APP <= len(loud) <= 2 * EVENTS_KEPT_OF_APP
    journal.close()
