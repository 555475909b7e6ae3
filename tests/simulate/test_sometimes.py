from __future__ import annotations

from tests.simulate.history import Entry
from tests.simulate.sometimes import SITUATIONS, reached
from tests.simulate.test_oracles import outcome


def test_there_are_thirty_situations_and_more() -> None:
    assert len(SITUATIONS) >= 30


def test_a_run_in_which_nothing_happens_reaches_none() -> None:
    assert reached(outcome()) == []


def test_a_situation_is_seen_where_it_is() -> None:
    killed = Entry(5.0, "fault", detail="killed after host.spawn web (number 1), away 1 s")
    two = Entry(5.0, "start", "web", 0, "other", "c", "v2")
    assert {*reached(outcome(killed, two, Entry(5.5, "kill")))} >= {
        "killed between a start and its record",
        "killed while two revisions of an app serve",
    }
