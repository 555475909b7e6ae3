"""Each oracle finds what it is there for: a run that went well is changed, and does not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tests.simulate.history import Entry, History
from tests.simulate.oracles import ORACLES
from tests.simulate.oracles.backoff import backoff_is_kept
from tests.simulate.oracles.copies import one_of_each_number
from tests.simulate.oracles.crashes import every_crash_is_followed_by_a_start
from tests.simulate.oracles.end_state import end_state_is_the_undisturbed_one
from tests.simulate.oracles.floor import never_below_the_floor
from tests.simulate.oracles.jobs import no_job_twice
from tests.simulate.oracles.lines import every_line_once
from tests.simulate.oracles.loop import loop_goes_on
from tests.simulate.oracles.reasons import every_start_has_a_reason, every_stop_has_a_reason
from tests.simulate.oracles.secrets import no_secret_outside
from tests.simulate.oracles.stops import every_stop_ends_in_time
from tests.simulate.run import Outcome
from tests.simulate.wishes import Meant, Scenario, Wish

SIGNALS = ((50.0, "15"), (59.0, "9"))
FIELDS = (("strategy", {"maxUnavailable": 0}), ("terminationGracePeriodSeconds", 2))
WEB = Wish("rolling", "steady", "v1", 2, fields=FIELDS)
ONCE = Wish("once", "job", "v1", 1, fields=(("backoffLimit", 0),))
FLAPS = Wish("troubled", "flapper", "v1", 1)


def outcome(*entries: Entry) -> Outcome:
    """Two instances of ``web`` run, and nothing else happens."""
    scenario = Scenario(1)
    scenario.meant = {"web": [Meant(0, WEB)], "once": [Meant(0, ONCE)], "flap": [Meant(0, FLAPS)]}
    history = History([*_begun(0, "a"), *_begun(1, "b"), *entries])
    running = {"web": {0: ["v1"], 1: ["v1"]}}
    standing = {"web": "Synced Healthy"}
    return Outcome(
        scenario,
        (),
        history,
        Counter(),
        running,
        standing,
        {"a": 3},
        {},
        {"a": Counter((1, 2, 3))},
        False,
        frozenset(),
        [],
        [],
        0.0,
    )


def _begun(number: int, nonce: str, at: float = 1, app: str = "web") -> list[Entry]:
    return [Entry(at, what, app, number, "hash", nonce, "v1") for what in ("start", "exec")]


def _ended(nonce: str, at: float, how: str = "exit 1", app: str = "web") -> list[Entry]:
    return [Entry(at, "end", app, 0, "hash", nonce, how)]


def _stopped(nonce: str, at: float) -> list[Entry]:
    return [Entry(at, "signal", "web", 0, "hash", nonce, "15")]


def test_what_went_well_holds() -> None:
    for oracle in ORACLES:
        assert [*oracle(outcome(), outcome())] == []


def _changed(**fields: object) -> Outcome:
    made = outcome()
    for name, value in fields.items():
        setattr(made, name, value)
    return made


def _removed() -> Outcome:
    made = outcome(*_begun(0, "c", 200))
    made.scenario.meant["web"] = [Meant(0, WEB), Meant(10, None)]
    return made


def _crashes(*gaps: float) -> Outcome:
    entries, at = [], 1.0
    for number, gap in enumerate((*gaps, 0.0)):
        entries += _begun(0, f"f{number}", at, "flap") + _ended(f"f{number}", at + 0.4, app="flap")
        at += 0.4 + gap
    return outcome(*entries)


def _deaf() -> Outcome:
    """Killed nine seconds after the signal, where two were declared."""
    signals = [Entry(at, "signal", "web", 0, "hash", "a", word) for at, word in SIGNALS]
    made = outcome(*signals, *_ended("a", 59, "SIGKILL"))
    made.scenario.meant["web"] = [Meant(0, WEB), Meant(49, replace(WEB, version="v2"))]
    return made


BROKEN: list[tuple[Callable[[Outcome, Outcome], Iterator[str]], Outcome]] = [
    (end_state_is_the_undisturbed_one, _changed(running={"web": {0: ["v1"]}})),
    (end_state_is_the_undisturbed_one, _changed(standing={"web": "OutOfSync Healthy"})),
    (one_of_each_number, outcome(*_begun(0, "c", 5))),
    (one_of_each_number, outcome(*_begun(2, "c", 5), *_begun(3, "d", 5))),
    (never_below_the_floor, outcome(*_stopped("a", 50))),
    (every_stop_has_a_reason, outcome(*_stopped("a", 50))),
    (every_start_has_a_reason, _removed()),
    (every_start_has_a_reason, outcome(*_begun(2, "c", 90))),
    (every_start_has_a_reason, outcome(Entry(9, "start", "web", 0, "hash", "c", "v7"))),
    (every_crash_is_followed_by_a_start, outcome(*_ended("a", 50), Entry(300, "edit"))),
    (no_job_twice, outcome(*_begun(1, "j", 2, "once"), *_begun(1, "k", 9, "once"))),
    (backoff_is_kept, _crashes(0.0, 1.0, 1.0)),
    (every_line_once, _changed(logged={"a": Counter((1, 3))})),
    (every_line_once, _changed(logged={"a": Counter((1, 2, 2, 3))})),
    (every_line_once, _changed(logged={"a": Counter((1, 2, 3, 5))})),
    (every_line_once, _changed(unheard={"a": 20}, logged={"a": Counter((1,))})),
    (every_stop_ends_in_time, _deaf()),
    (no_secret_outside, _changed(leaks=["state/recon.db"])),
    (loop_goes_on, _changed(reported=["a callback failed"])),
    (loop_goes_on, _changed(slowest=3.0)),
]


@pytest.mark.parametrize(("oracle", "broken"), BROKEN)
def test_an_oracle_finds_what_it_is_there_for(
    oracle: Callable[[Outcome, Outcome], Iterator[str]], broken: Outcome
) -> None:
    assert [*oracle(outcome(), broken)]


def test_each_oracle_is_shown_to_find_something() -> None:
    assert {oracle for oracle, _ in BROKEN} == {*ORACLES}


def test_what_nobody_could_read_any_more_is_not_lost_by_a_controller() -> None:
    lost = _changed(unheard={"a": 23}, logged={"a": Counter((1, 2))})
    assert [*every_line_once(outcome(), lost)] == []


def test_a_ladder_that_is_climbed_holds() -> None:
    assert [*backoff_is_kept(outcome(), _crashes(0.0, 1.0, 1.9, 4.1))] == []
