"""Load safety: a rise of the count that the host has no room for is never let in by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.admission import count_of
from reconciler.diff.core.capacity import LEAST, SPARE
from reconciler.diff.load import GUESS, most_at_once, verdicts
from reconciler.model.host.load import Room, Shortage, Use, Withheld
from reconciler.model.state.desired import DesiredApp, Workload
from reconciler.model.state.memory import AppMemory, Recall
from reconciler.model.state.revision import Revision
from tests.diff.jobhost import job_of
from tests.diff.simhost import app_of

BLANK = AppMemory()
MIB = 1 << 20

counts = st.integers(0, 300)
rooms = st.builds(
    Room,
    st.one_of(st.none(), st.integers(0, 4 << 30)),
    st.one_of(st.none(), st.integers(0, 600)),
    st.one_of(st.none(), st.integers(0, 1500)),
)
used = st.builds(
    Use,
    settled=counts,
    young=st.integers(0, 20),
    memory=st.sampled_from([0, 100_000, 12 * MIB, 80 * MIB]),
    tasks=st.sampled_from([0, 1, 11]),
    young_memory=st.sampled_from([0, 3 * MIB]),
    young_tasks=st.sampled_from([0, 1]),
)
memories = st.builds(
    AppMemory, admitted=st.one_of(st.none(), counts), confirmed=st.sampled_from([0, 0, 0, 50])
)


def _judge(
    apps: Mapping[str, Workload],
    room: Room,
    memory: dict[str, AppMemory] | None = None,
    uses: dict[str, Use] | None = None,
) -> dict[str, Withheld | None]:
    return verdicts(apps, memory or {}, uses or {}, room, blank=BLANK)


def _web(count: int, room: Room, admitted: int = 0, use: Use | None = None, **more: Any) -> Any:
    """The verdict on one app of which ``admitted`` instances were let in."""
    apps = {"web": app_of(instances=count)}
    memory = {"web": AppMemory(admitted=admitted, **more)}
    return _judge(apps, room, memory, {"web": use} if use else {}).get("web", "no rise")


def test_what_fits_is_let_in_and_what_does_not_waits() -> None:
    room = Room(memory=GUESS * 100)
    assert _web(100, room) is None
    held = _web(101, room)
    assert (held.count, held.before, held.reason) == (101, 0, Shortage.MEMORY)
    assert (held.needed, held.room, held.each) == (GUESS * 101, GUESS * 100, GUESS)
    assert not held.measured and held.apps == 1


def test_one_more_takes_what_those_that_run_take() -> None:
    light, heavy = (
        Use(settled=2, memory=2 * MIB, tasks=1),
        Use(settled=2, memory=200 * MIB, tasks=1),
    )
    room = Room(memory=400 * MIB)
    assert _web(100, room, 2, light) is None
    held = _web(10, room, 2, heavy)
    assert held.measured and held.each == 200 * MIB and held.needed == 8 * 200 * MIB


def test_no_more_is_guessed_than_the_manifest_allows() -> None:
    apps = {"web": app_of(instances=200, limits={"memory": "2Mi"})}
    assert _judge(apps, Room(memory=400 * MIB)) == {"web": None}


def test_threads_count_as_processes() -> None:
    use = Use(settled=1, memory=MIB, tasks=11)
    assert _web(10, Room(processes=99), 1, use) is None
    held = _web(11, Room(processes=99), 1, use)
    assert (held.reason, held.needed, held.room) == (Shortage.PROCESSES, 110, 99)


def test_recon_keeps_descriptors_of_each_instance() -> None:
    room = Room(files=SPARE + 3 * 20)
    assert _web(20, room) is None
    assert _web(21, room).reason is Shortage.FILES
    elsewhere = {"gone": Use(settled=5)}
    apps = {"web": app_of(instances=16)}
    assert _judge(apps, room, {}, elsewhere)["web"] is not None, "what no manifest declares, too"


def test_ten_files_may_not_do_what_one_may_not() -> None:
    apps = {f"a{n}": app_of(f"a{n}", instances=100) for n in range(10)}
    memory = {name: AppMemory(admitted=1) for name in apps}
    uses = {name: Use(settled=1, memory=10 * MIB, tasks=1) for name in apps}
    room = Room(memory=5000 * MIB)
    found = _judge(apps, room, memory, uses)
    assert all(held is not None and held.apps == 10 for held in found.values())
    assert _judge({"a0": apps["a0"]}, room, memory, uses) == {"a0": None}
    many = {f"n{n}": app_of(f"n{n}") for n in range(1000)}
    assert all(_judge(many, room).values()), "a thousand new apps of one instance each"
    jobs = {f"j{n}": job_of(f"j{n}") for n in range(1000)}
    assert all(_judge(jobs, room).values()), "and Jobs, which all begin at once"


def test_a_small_rise_does_not_wait_because_of_a_large_one() -> None:
    apps = {"web": app_of("web", instances=2), "typo": app_of("typo", instances=9999)}
    memory = {name: AppMemory(admitted=1) for name in apps}
    found = _judge(apps, Room(memory=1 << 30), memory)
    assert found["web"] is None and found["typo"] is not None


def test_what_was_let_in_and_has_yet_to_start_takes_its_room() -> None:
    apps = {"web": app_of("web", instances=60), "api": app_of("api", instances=60)}
    memory = {"web": AppMemory(admitted=60), "api": AppMemory(admitted=1)}
    room = Room(memory=100 * GUESS)
    assert _judge(apps, room, memory)["api"] is not None
    grown = {"web": Use(settled=60)}
    assert _judge(apps, room, memory, grown)["api"] is None, "it runs: the room is what is left"
    young = {"web": Use(young=60, young_memory=MIB)}
    held = _judge(apps, room, memory, young)["api"]
    assert held is not None and held.room == 99 * GUESS - 60 * (GUESS - MIB), "they may yet grow"


def test_a_rise_that_waits_holds_up_no_later_one() -> None:
    held = Withheld(9999, 1, Shortage.MEMORY, 9, 1, 1, measured=False)
    apps = {"typo": app_of("typo", instances=9999), "web": app_of("web", instances=9999)}
    memory = {"typo": AppMemory(admitted=1, withheld=held), "web": AppMemory(admitted=1)}
    room = Room(memory=GUESS * 12_000)
    assert _judge(apps, room, memory) == {"web": None}
    again = {**memory, "typo": replace(memory["typo"], withheld=replace(held, again=True))}
    assert set(_judge(apps, room, again)) == {"typo", "web"}


def test_the_surge_of_an_update_that_goes_with_it_counts() -> None:
    strategy = {"maxSurge": "100%"}
    app = app_of("web", "b", instances=10, strategy=strategy)
    before = Revision(1, app_of("web", "a").hash, {"command": ["a"], "instances": 5})
    memory = AppMemory(admitted=5, revisions=(before,))
    assert most_at_once({"web": app}, {"web": memory}, BLANK) == {"web": 20}
    use = {"web": Use(settled=5, memory=10 * MIB, tasks=1)}
    assert _judge({"web": app}, Room(memory=149 * MIB), {"web": memory}, use)["web"] is not None
    assert _judge({"web": app}, Room(memory=151 * MIB), {"web": memory}, use)["web"] is None
    same = app_of("web", "a", instances=10, strategy=strategy)
    assert _judge({"web": same}, Room(memory=51 * MIB), {"web": memory}, use)["web"] is None


def test_runs_of_a_job_are_no_rise() -> None:
    job = job_of("j", schedule="* * * * *", concurrencyPolicy="Allow")
    assert _judge({"j": job}, Room(memory=0), {"j": AppMemory(admitted=1)}) == {}
    assert _judge({"j": job}, Room(memory=0))["j"] is not None


@pytest.mark.parametrize("recall", [Recall.LOST, Recall.UNREAD])
def test_without_a_memory_to_rely_on_nothing_waits(recall: Recall) -> None:
    apps = {"web": app_of(instances=9999)}
    assert _judge(apps, Room(0, 0, 0), {"web": AppMemory(recall=recall)}) == {}


@st.composite
def situations(draw: st.DrawFn) -> tuple[Any, ...]:
    names = draw(st.lists(st.sampled_from("abcdef"), min_size=1, unique=True))
    apps = {}
    for name in names:
        kind = draw(st.integers(0, 5))
        spec: dict[str, Any] = {"instances": draw(counts), "suspend": kind == 5}
        apps[name] = job_of(name) if kind == 4 else app_of(name, **spec)
    memory = {name: draw(memories) for name in names if draw(st.booleans())}
    uses = {name: draw(used) for name in names if draw(st.booleans())}
    return apps, draw(rooms), memory, uses


@given(situations())
def test_only_a_rise_beyond_what_was_let_in_or_confirmed_is_held(given: tuple[Any, ...]) -> None:
    apps, room, memory, uses = given
    for name, held in _judge(*given).items():
        known = memory.get(name, BLANK)
        before = known.admitted if known.admitted is not None else uses.get(name, Use()).running
        assert count_of(apps[name]) > max(before, known.confirmed)
        if held is not None:
            assert held.count == count_of(apps[name]) and held.before >= before
            assert held.needed > held.room >= 0, "the figures say why"
            assert held.each >= (LEAST if held.reason is Shortage.MEMORY else 1)
    assert room != Room() or not any(_judge(*given).values()), "nothing is known of the host"


@given(situations(), st.data())
def test_more_room_or_a_smaller_rise_is_never_held_the_more(
    given: tuple[Any, ...], data: st.DataObject
) -> None:
    apps, room, memory, uses = given
    found = _judge(*given)
    more = data.draw(st.integers(0, 1 << 30))
    wider = Room(*(one + more if one is not None else None for one in room))
    for name, held in _judge(apps, wider, memory, uses).items():
        assert held is None or found[name] is not None
    name = data.draw(st.sampled_from(sorted(apps)))
    if isinstance(apps[name], DesiredApp) and found.get(name) is None and name in found:
        fewer = apps[name].spec.model_copy(
            update={"instances": data.draw(st.integers(0, apps[name].spec.instances))}
        )
        smaller = {**apps, name: replace(apps[name], spec=fewer)}
        assert _judge(smaller, room, memory, uses).get(name) is None


@given(situations())
def test_what_is_let_in_together_fits_together(given: tuple[Any, ...]) -> None:
    apps, room, memory, uses = given
    let_in = [name for name, held in _judge(*given).items() if held is None]
    if room.memory is None or not let_in:
        return
    least = 0
    for name in let_in:
        known, use = memory.get(name, BLANK), uses.get(name, Use())
        before = known.admitted if known.admitted is not None else use.running
        before = max(before, known.confirmed)
        least += LEAST * max(0, count_of(apps[name]) - max(before, use.running))
    assert least <= room.memory


@given(situations(), st.randoms())
def test_the_order_of_the_files_makes_no_difference(given: tuple[Any, ...], random: Any) -> None:
    apps, room, memory, uses = given
    names = sorted(apps)
    random.shuffle(names)
    assert _judge({name: apps[name] for name in names}, room, memory, uses) == _judge(*given)
