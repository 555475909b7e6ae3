"""A leak is told from whatever else memory does: recorded programs, and generated shapes.

What is wrong in either direction is counted, and the counts stand in the documents.
"""

from __future__ import annotations

import json
import math
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.leak_detection import busy_since, leak_of, slope, watch_load, watch_memory
from reconciler.model.state.event import Event
from reconciler.model.state.observed import Process, ProcessId, Tag
from reconciler.model.state.trend import Trend
from reconciler.model.state.usage import EVERY, UsageHistory

MI = 2**20
SHAPES = Path(__file__).parent / "shapes"
PROCESS = Process(Tag("s", "web", 1, "h.-", "n"), ProcessId(7, 7), 0.0)
Shape = Iterator[tuple[float, float]]
"""RSS in MiB and percent of a core, every 15 s."""


class Seen(NamedTuple):
    """How a shape was judged over its whole length."""

    events: list[tuple[float, Event]]
    """With the hour of each."""

    def hours(self, reason: str) -> list[float]:
        return [hour for hour, event in self.events if event.reason == reason]


def run(shape: Shape, limit: int | None = None) -> Seen:
    """As the controller does it: a look at the history whenever a bucket is full."""
    history, told, events = UsageHistory(), Trend(), list[tuple[float, Event]]()
    judged_at = 0.0
    for n, (rss, cpu) in enumerate(shape):
        at = 1000.0 + n * EVERY
        if history.add(at, round(rss * MI), cpu) and at - judged_at >= 300:
            judged_at = at
            told, found = watch_memory(PROCESS, history.buckets()[:-1], limit, told, at)
            events += [(n * EVERY / 3600, event) for event in found]
    return Seen(events)


# -- recorded ----------------------------------------------------------------------------------


def recorded(name: str) -> Shape:
    for kib, cpu in json.loads((SHAPES / f"{name}.json").read_text()):
        yield kib / 1024, float(cpu)


@pytest.mark.parametrize(("name", "within"), [("leak-python", 2), ("leak-node", 10)])
def test_programs_that_leak(name: str, within: float) -> None:
    """The slower one by 1.7 MiB an hour, on 50."""
    hours = run(recorded(name)).hours("MemoryLeakSuspected")
    assert len(hours) == 1 and hours[0] < within


@pytest.mark.parametrize(
    "name",
    ["gc-node", "gc-python-cycles", "warmup-python", "step-python", "bursts-python", "wave-python"],
)
def test_programs_that_do_not(name: str) -> None:
    assert run(recorded(name)).events == []


def test_nothing_is_recorded_that_no_test_judges() -> None:
    names = {path.stem for path in SHAPES.glob("*.json")}
    assert len(names) == 8


# -- generated ---------------------------------------------------------------------------------


def samples(hours: float) -> Iterator[float]:
    """Times in hours."""
    return (n * EVERY / 3600 for n in range(int(hours * 3600 / EVERY)))


def leak(dice: random.Random, hours: float = 24) -> Shape:
    """2 MiB to 60 MiB an hour, on something that scatters, with peaks."""
    base, rate = dice.uniform(30, 400), float(dice.choice([2, 5, 10, 30, 60]))
    rate = max(rate, base * 0.02)
    warm = dice.uniform(0, 0.5)
    for t in samples(hours):
        peak = dice.uniform(0, 0.5 * base) if dice.random() < 0.1 else 0
        value = base * (1 - 0.4 * math.exp(-t / (warm + 1e-9))) + rate * t
        yield value + peak + dice.uniform(0, 0.03 * base), dice.uniform(5, 9)


def leak_under_saw_tooth(dice: random.Random, hours: float = 24) -> Shape:
    """A collector's saw-tooth whose floor rises."""
    base, height, rate = dice.uniform(50, 300), dice.uniform(20, 80), dice.choice([10, 20, 60])
    period = dice.uniform(0.02, 0.2)
    for t in samples(hours):
        yield base + rate * t + height * (t % period) / period, dice.uniform(5, 9)


def warm_up(dice: random.Random, hours: float = 24) -> Shape:
    """To a level, within minutes or half an hour."""
    base, more, tau = dice.uniform(20, 200), dice.uniform(20, 300), dice.uniform(0.02, 0.5)
    for t in samples(hours):
        scatter = dice.uniform(0, 0.02 * base)
        yield base + more * (1 - math.exp(-t / tau)) + scatter, 5 + 40 * math.exp(-t / tau)


def steps(dice: random.Random, hours: float = 24) -> Shape:
    """A table is loaded now and then."""
    level, jumps = (
        dice.uniform(30, 200),
        [dice.uniform(0, hours) for _ in range(dice.choice([1, 2, 3]))],
    )
    for t in samples(hours):
        now = level + sum(dice_jump * 40 for dice_jump in (t > at for at in jumps))
        yield now + dice.uniform(0, 1), 3.0


def saw_tooth(dice: random.Random, hours: float = 24) -> Shape:
    """A collector that comes every few seconds, or every twenty minutes."""
    base, height, period = dice.uniform(30, 300), dice.uniform(10, 300), dice.uniform(0.005, 0.35)
    for t in samples(hours):
        part = ((t / period) + dice.uniform(0, 0.05)) % 1
        yield base + height * part + dice.uniform(0, 2), dice.uniform(5, 9)


def slow_saw_tooth(dice: random.Random, hours: float = 24) -> Shape:
    """One that comes every hour or four: within its first tooth nobody could know."""
    base, height, period = dice.uniform(30, 300), dice.uniform(30, 300), dice.uniform(1, 4)
    for t in samples(hours):
        yield base + height * (t / period % 1) + dice.uniform(0, 2), dice.uniform(5, 9)


def daily_wave(dice: random.Random, hours: float = 72) -> Shape:
    """Memory that comes with the load of the day and goes with it."""
    base, height, phase = dice.uniform(50, 200), dice.uniform(20, 200), dice.uniform(0, 24)
    for t in samples(hours):
        load = 0.5 - 0.5 * math.cos((t + phase) / 12 * math.pi)
        yield base + height * load + dice.uniform(0, 3), 5 + 60 * load + dice.uniform(0, 5)


def noise(dice: random.Random, hours: float = 24) -> Shape:
    """A bounded random walk: requests that come and go."""
    base, level = dice.uniform(30, 200), 0.0
    for _ in samples(hours):
        level = min(40.0, max(0.0, level + dice.gauss(0, 1.5)))
        yield base + level, dice.uniform(0, 30)


def flat(dice: random.Random, hours: float = 24) -> Shape:
    base = dice.uniform(5, 500)
    for _ in samples(hours):
        yield base, 0.0


TRIES = 40
# How many of 40 may be alarmed, as counted; docs/operating.md says the same.
ALARMS: dict[Callable[[random.Random], Shape], range] = {
    leak: range(40, 41),
    leak_under_saw_tooth: range(40, 41),
    warm_up: range(1),
    steps: range(1),
    saw_tooth: range(1),
    daily_wave: range(1),
    noise: range(3),
    flat: range(1),
    # Its first tooth is a leak to an observer who has seen no other. What follows is none any more.
    slow_saw_tooth: range(41),
}


@pytest.mark.parametrize("shape", ALARMS, ids=lambda shape: shape.__name__)
def test_false_alarms_and_misses_are_as_counted(shape: Callable[[random.Random], Shape]) -> None:
    seen = [run(shape(random.Random(n))) for n in range(TRIES)]
    alarms = [one.hours("MemoryLeakSuspected") for one in seen]
    assert sum(map(bool, alarms)) in ALARMS[shape]
    # Told once, and again only when it is another: no shape makes it chatter.
    assert sum(map(len, alarms)) <= 1.5 * sum(map(bool, alarms))


def test_what_is_told_of_a_leak_is_right() -> None:
    steady = ((100 + n * EVERY / 3600 * 24, 5.0) for n in range(4 * 240))
    seen = run(steady, limit=400 * MI)
    (hour, event), *later = seen.events
    assert 1 <= hour < 1.5
    assert event.message.startswith("pid 7 grows by 24Mi an hour for 1 h ")
    assert "at limits.memory (400Mi) in 11 h" in event.message
    assert (event.type, event.instance) == ("Warning", 1)
    assert later == []


def test_it_is_told_again_when_little_time_is_left_and_earlier_where_there_is_hardly_any() -> None:
    slow = ((100 + n * EVERY / 3600 * 60, 5.0) for n in range(6 * 240))
    hours = run(slow, limit=400 * MI).hours("MemoryLeakSuspected")
    assert len(hours) == 2 and 3.9 < hours[1] < 4.3
    fast = ((100 + n * EVERY / 3600 * 200, 5.0) for n in range(240))
    assert run(fast, limit=400 * MI).hours("MemoryLeakSuspected")[0] < 0.7


def test_the_end_of_a_leak_is_told() -> None:
    def shape() -> Shape:
        for n in range(10 * 240):
            yield 100 + min(n, 4 * 240) * EVERY / 3600 * 20, 5.0

    reasons = [event.reason for _, event in run(shape()).events]
    assert reasons == ["MemoryLeakSuspected", "MemorySteady"]


def test_a_new_controller_does_not_tell_again_what_was_told() -> None:
    history, told = UsageHistory(), Trend()
    events: list[Event] = []
    for n in range(6 * 240):
        at = 1000.0 + n * EVERY
        if n % 240 == 0:  # what comes back from the journal
            kept = UsageHistory.unpack(history.pack())
            assert kept is not None
            history = kept
        if history.add(at, round((100 + n / 10) * MI), 5.0):
            told, found = watch_memory(PROCESS, history.buckets()[:-1], None, told, at)
            events += found
    assert [event.reason for event in events] == ["MemoryLeakSuspected"]


# -- a hot loop --------------------------------------------------------------------------------


def _loads(*busiest: float, cores: int = 4) -> list[str]:
    """The events of a process that uses so much, one sample a minute."""
    told, events = Trend(), list[Event]()
    for n, cpu in enumerate(busiest):
        since = busy_since(told, cpu, cpu, cores, 60.0 * n)
        told, found = watch_load(PROCESS, since, told, 60.0 * (n + 1))
        events += found
    return [event.reason for event in events]


def test_a_core_for_five_minutes_is_told_once_and_so_is_its_end() -> None:
    assert _loads(*[100] * 4) == []
    assert _loads(*[100] * 20) == ["CpuSaturated"]
    assert _loads(*[100] * 6, 30, 30) == ["CpuSaturated", "CpuRelieved"]
    assert _loads(*[100] * 4, 80, *[100] * 4) == []


def test_work_on_several_cores_is_no_loop_unless_it_takes_them_all() -> None:
    assert _loads(*[180] * 20) == []
    assert _loads(*[396] * 20) == ["CpuSaturated"]


def test_workers_that_are_half_busy_each_are_no_loop() -> None:
    assert busy_since(Trend(), 4 * 50.0, 50.0, 8, 0.0) is None


# -- the slope ---------------------------------------------------------------------------------


@given(st.floats(-100, 100), st.floats(-1000, 1000), st.integers(12, 40), st.data())
def test_a_quarter_of_outliers_does_not_turn_the_slope(
    rate: float, level: float, count: int, data: st.DataObject
) -> None:
    points = [(float(n), level + rate * n) for n in range(count)]
    wild = data.draw(st.sets(st.integers(0, count - 1), max_size=count // 4))
    for n in wild:
        points[n] = (float(n), data.draw(st.floats(-1e6, 1e6)))
    assert abs(slope(points) - rate) <= 1e-6 * (1 + abs(rate) + abs(level))


def test_no_slope_without_points() -> None:
    assert slope([]) == slope([(1.0, 5.0)]) == 0.0
    assert leak_of([]) is None
