"""Who outgrows its limit is seen soon, whatever its tree looks like; histories survive."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from reconciler.loop.processes import sampling as module
from reconciler.loop.processes.sampling import Sampling
from reconciler.model.state.event import Event
from reconciler.model.state.observed import Process
from reconciler.model.state.trend import Leak, Trend
from reconciler.model.state.usage import EVERY
from reconciler.observed.host.samples import Sample
from reconciler.state.history import History
from reconciler.state.journal.journal import Journal
from tests.observed.conftest import Watched, Zoo

MI = 2**20
PROMISE = 3.0
"""Seconds, issue 4."""


class Sampled:
    """A host that is sampled, and what came of it."""

    def __init__(self, zoo: Zoo, watched: Watched) -> None:
        self.zoo, self.watched, self.host = zoo, watched, watched.host
        self.changed: list[str] = []
        self.events: list[Event] = []
        self.begin()

    def begin(self) -> None:
        """A controller starts."""
        self.journal = Journal(self.zoo.root / "db", "boot")
        self.records = History(self.journal, self.watched.loop, lambda name: None)
        self.sampling = Sampling(
            self.host, self.records, on_change=self.changed.append, on_event=self.events.append
        )
        self.task = self.watched.loop.create_task(self.sampling.watch())

    def leave(self, *, killed: bool = False) -> None:
        """It ends."""
        self.task.cancel()
        self.watched.loop.run_until_complete(asyncio.gather(self.task, return_exceptions=True))
        if not killed:
            self.sampling.close()
        self.records.close()

    def start(self, source: str) -> Process:
        tag = self.zoo.tag()
        self.zoo.start(tag, source)
        self.watched.until(lambda: self.host.relist() and self.host.get(tag.nonce), "it is found")
        return self.get(tag.nonce)

    def get(self, nonce: str) -> Process:
        found = self.host.get(nonce)
        assert found is not None
        return found

    def touch(self, name: str) -> None:
        (self.zoo.root / name).touch()

    def until_there(self, name: str) -> None:
        self.watched.until((self.zoo.root / name).exists, name)


@pytest.fixture
def sampled(zoo: Zoo, watched: Watched) -> Any:
    made = Sampled(zoo, watched)
    yield made
    made.leave()


WAIT = """
import os, time
def wait(name):
    while not os.path.exists(name): time.sleep(0.005)
def tell(name): open(name, 'w').close()
"""
GROWS = WAIT + "wait('go'); held = bytearray(100 << 20); tell('crossed'); time.sleep(600)"
CHILD_GROWS = WAIT + (
    "tell('up'); wait('go')\n"
    "if os.fork() == 0:\n"
    "    os.setsid(); held = bytearray(100 << 20); tell('crossed'); time.sleep(600)\n"
    "time.sleep(600)"
)
SHARES = WAIT + (
    "held = bytearray(80 << 20)\n"
    "for n in range(3):\n"
    "    if os.fork() == 0:\n"
    "        wait('go')\n"
    "        for at in range(0, len(held), 4096): held[at] = n + 1\n"
    "        tell('crossed'); time.sleep(600)\n"
    "tell('up'); time.sleep(600)"
)


def _noticed(sampled: Sampled, process: Process) -> int:
    """How many looks it takes from now on until it is marked."""
    nonce, looks, look = process.tag.nonce, list[float](), sampled.sampling._look

    async def counted() -> None:
        looks.append(time.monotonic())
        await look()

    sampled.sampling._look = counted  # type: ignore[method-assign]  # to count, no more
    sampled.watched.until(lambda: sampled.get(nonce).outgrown, "it is noticed")
    return len(looks)


@pytest.mark.parametrize("source", [GROWS, CHILD_GROWS])
def test_whoever_crosses_its_limit_is_marked_within_the_promise(
    sampled: Sampled, source: str
) -> None:
    process = sampled.start(source)
    sampled.sampling.declare("app", 60 * MI)
    sampled.touch("go")
    sampled.until_there("crossed")
    assert _noticed(sampled, process) <= 1
    assert module.LOOK < PROMISE
    told = sampled.get(process.tag.nonce).outgrown
    assert "limits.memory is 60Mi" in told and told.startswith("uses 1")
    assert ("in 2 processes" in told) is (source is CHILD_GROWS)
    assert sampled.changed == ["app"]
    for id in sampled.get(process.tag.nonce).stragglers:
        sampled.zoo.strays.append(id)


def test_pages_that_a_tree_shares_condemn_nobody_until_they_are_written(sampled: Sampled) -> None:
    process = sampled.start(SHARES)
    nonce = process.tag.nonce
    sampled.until_there("up")
    sampled.sampling.declare("app", 200 * MI)
    sampled.watched.until(lambda: nonce in sampled.sampling._pss_again, "PSS was asked")
    asked = sampled.sampling._pss_again[nonce]
    sampled.watched.until(lambda: sampled.sampling._pss_again[nonce] > asked, "and again")
    assert len(sampled.get(nonce).stragglers) == 3
    sampled.zoo.strays += sampled.get(nonce).stragglers
    assert (
        sampled.sampling._rss_sampler.weigh([process.id, *sampled.get(nonce).stragglers]).rss
        > 320 * MI
    )
    assert sampled.get(nonce).outgrown == ""
    sampled.touch("go")
    _noticed(sampled, process)
    assert "in 4 processes (RSS " in sampled.get(nonce).outgrown


def test_a_raised_limit_clears_the_mark_at_once_and_a_lowered_one_sets_it(sampled: Sampled) -> None:
    process = sampled.start(GROWS)
    sampled.touch("go")
    sampled.until_there("crossed")
    nonce = process.tag.nonce
    for limit, over in ((50, True), (60, True), (500, False), (55, True), (None, False)):
        sampled.sampling.declare("app", limit and limit * MI)
        told = "" if not over else f"is {limit}Mi"
        sampled.watched.until(
            lambda told=told: (
                told in sampled.get(nonce).outgrown  # type: ignore[misc]  # mypy cannot infer a lambda with a default
                and bool(told) == bool(sampled.get(nonce).outgrown)
            ),
            f"limit {limit}",
        )


def test_one_that_came_down_again_stays_marked(sampled: Sampled) -> None:
    source = WAIT + (
        "wait('go'); held = bytearray(100 << 20); tell('crossed'); wait('down')\n"
        "del held; tell('small'); time.sleep(600)"
    )
    process = sampled.start(source)
    sampled.sampling.declare("app", 60 * MI)
    sampled.touch("go")
    _noticed(sampled, process)
    sampled.touch("down")
    sampled.until_there("small")
    asyncio_run(sampled, sampled.sampling._look)
    assert sampled.get(process.tag.nonce).outgrown


def test_without_a_limit_nothing_is_read(sampled: Sampled) -> None:
    sampled.start(GROWS)
    asyncio_run(sampled, sampled.sampling._look)
    assert sampled.sampling._rss_sampler.known() == set()
    sampled.sampling.declare("app", 500 * MI)
    sampled.watched.until(sampled.sampling._rss_sampler.known, "it is read")
    sampled.sampling.declare("app", None)
    assert sampled.sampling._rss_sampler.known() == set()


def asyncio_run(sampled: Sampled, function: Callable[[], Any]) -> None:
    sampled.watched.loop.run_until_complete(function())


# -- history -----------------------------------------------------------------------------------


def _note(sampled: Sampled, process: Process, at: float, rss: int, cpu: float = 5.0) -> None:
    """A sample of then, as the look at all states would give it."""
    sample = Sample(rss, cpu, at, at * cpu / 100, at, ((process.id.pid, 0),), cpu)
    sampled.sampling._note(process, sample)


def test_what_is_used_is_noted_in_its_history(sampled: Sampled) -> None:
    process = sampled.start(GROWS)
    sampled.touch("go")
    sampled.until_there("crossed")
    sampled.host.sample_states()
    asyncio_run(sampled, sampled.sampling.note)
    (bucket,) = sampled.sampling.usage(process).history.buckets()
    assert bucket.low > 100 * MI
    found = sampled.sampling.samples()[process.tag.nonce]
    assert found.rss > 100 * MI


@pytest.mark.parametrize("killed", [False, True])
def test_a_history_survives_the_controller_and_nothing_is_told_twice(
    sampled: Sampled, killed: bool
) -> None:
    process = sampled.start(GROWS)
    began = process.started_at
    for n in range(480):
        _note(sampled, process, began + n * EVERY, (100 + n) * MI)
    (event,) = sampled.events
    assert event.reason == "MemoryLeakSuspected"
    before = sampled.sampling.usage(process).history.buckets()
    if killed:  # what was committed by then is all that is left
        sampled.journal.commit()
    sampled.leave(killed=killed)
    sampled.begin()
    after = sampled.sampling.usage(process).history.buckets()
    assert after[0].low == before[0].low and after[-1].at > before[-1].at - 600
    for n in range(480, 720):
        _note(sampled, process, began + n * EVERY, (100 + n) * MI)
    assert sampled.events == [event]


def test_histories_are_written_seldom_and_the_young_ones_oftener(
    sampled: Sampled, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = sampled.start(GROWS)
    written: list[int] = []
    count = 0
    monkeypatch.setattr(
        sampled.records, "save_usage", lambda *_: written.append(count), raising=True
    )
    for count in range(960):
        _note(sampled, process, process.started_at + count * EVERY, 100 * MI)
    # Four hours: every five minutes, and some more in the first twenty-five.
    assert 48 <= len(written) <= 70
    assert written[3] * EVERY <= 240
    assert (
        written[1] * EVERY >= 60
    )  # so that a thousand that begin are not written four times a minute


def test_the_history_of_one_that_has_ended_is_gone(sampled: Sampled) -> None:
    process = sampled.start(GROWS)
    for n in range(20):
        _note(sampled, process, process.started_at + n * EVERY, 100 * MI)
    sampled.journal.commit()
    assert sampled.records.usage(process.tag.nonce) is not None
    sampled.sampling.forget(process)
    sampled.journal.commit()
    assert sampled.records.usage(process.tag.nonce) is None


def test_the_journal_keeps_what_was_told(tmp_path: Path) -> None:
    from reconciler.model.state.usage import UsageHistory

    history, trend = UsageHistory(), Trend(Leak(1.5, 2.0, None), 3.0, 3.0)
    history.add(0.0, 7 * MI, 1.0)
    journal = Journal(tmp_path / "db", "boot")
    journal.save_usage("n", history, trend)
    journal.close()
    again = Journal.open_readonly(tmp_path / "db", "boot")
    assert again is not None
    kept = again.usage("n")
    assert kept is not None and kept[1] == trend
    assert kept[0].buckets() == history.buckets()
    assert again.usage("other") is None
