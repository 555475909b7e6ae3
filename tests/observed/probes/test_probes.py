"""When instances are checked and what checks add up to; time runs in a loop with its own clock."""

from __future__ import annotations

import asyncio
import itertools
import selectors
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.model.spec.probe import Probe, ProbeRole
from reconciler.model.state.observed import Process, ProcessId, Tag
from reconciler.model.state.tally import Tally
from reconciler.observed.probes import probes
from reconciler.observed.probes.checks import Result
from reconciler.observed.probes.probes import Prober

DOWN = Result(False, "connection refused on 127.0.0.1:3000")
UP = Result(True, "connected")
READINESS = ProbeRole.READINESS


class ClockLoop(asyncio.SelectorEventLoop):
    """A loop whose clock jumps to the next timer: an hour of probes passes in milliseconds."""

    def __init__(self) -> None:
        self.now = 1000.0
        loop = self

        class Jump(selectors.DefaultSelector):
            def select(self, timeout: float | None = None) -> Any:
                if timeout:
                    loop.now += timeout
                return super().select(0)

        super().__init__(Jump())

    def time(self) -> float:
        return self.now


class World:
    """Instances that answer as told; what was checked when, and what the Prober said."""

    def __init__(self, loop: ClockLoop) -> None:
        self.loop = loop
        self.up: Callable[[int], Result] = lambda instance: UP
        self.lasts = 0.0
        self.checks: list[tuple[float, int]] = []
        self.told: list[tuple[str, bool, str]] = []
        self.in_flight = self.most = 0
        self.prober = Prober(loop, self.tell, self.check)

    def tell(self, nonce: str, role: ProbeRole, ready: bool | None, message: str) -> None:
        assert role is READINESS and ready is not None
        self.told.append((nonce, ready, message))

    async def check(self, probe: Probe, process: Process, role: ProbeRole) -> Result:
        instance = process.tag.instance
        self.checks.append((self.loop.now, instance))
        self.in_flight += 1
        self.most = max(self.most, self.in_flight)
        try:
            await asyncio.sleep(self.lasts)
        finally:
            self.in_flight -= 1
        return self.up(instance)

    def process(self, instance: int = 0, started_at: float | None = None) -> Process:
        at = self.loop.now if started_at is None else started_at
        return Process(Tag("s", "a", instance, "h", f"n{instance}"), ProcessId(1, 1), at)

    def pass_time(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def gaps(self) -> list[float]:
        times = [at for at, _ in self.checks]
        return [after - before for before, after in itertools.pairwise(times)]


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Any:
    loop = ClockLoop()
    monkeypatch.setattr(probes, "boot_now", loop.time)
    made = World(loop)
    yield made
    made.prober.close()
    made.pass_time(1)
    loop.close()


def probe(**fields: Any) -> Probe:
    return Probe.model_validate({"tcpSocket": {"port": 3000}, **fields})


def test_a_program_that_is_up_at_once_is_ready_at_once(world: World) -> None:
    world.prober.watch(world.process(), READINESS, probe())
    world.pass_time(0.01)
    assert world.told == [("n0", True, "")]


def test_until_ready_checks_double_from_50_ms_to_the_period_then_keep_to_it(world: World) -> None:
    world.up = lambda _: UP if world.loop.now > 1030 else DOWN
    world.prober.watch(world.process(), READINESS, probe(periodSeconds=10))
    world.pass_time(100)
    expected = [0.05 * 2**step for step in range(8)] + [10] * 3
    for gap, wanted in zip(world.gaps(), expected, strict=False):
        assert wanted * 0.9 - 0.001 <= gap <= wanted * 1.1 + 0.001
    assert world.told == [("n0", False, DOWN.message), ("n0", True, "")]


def test_a_failing_probe_is_told_once_with_its_sentence_and_again_when_that_changes(
    world: World,
) -> None:
    later = Result(False, "HTTP 503 from /")
    world.up = lambda _: later if world.loop.now > 1050 else DOWN
    world.prober.watch(world.process(), READINESS, probe())
    world.pass_time(200)
    assert [message for _, _, message in world.told] == [DOWN.message, later.message]


def test_ready_is_lost_after_failure_threshold_failures_in_a_row_only(world: World) -> None:
    answers = iter([UP, DOWN, DOWN, UP, DOWN, DOWN, DOWN] + [DOWN] * 100)
    world.up = lambda _: next(answers)
    world.prober.watch(world.process(), READINESS, probe(periodSeconds=10, failureThreshold=3))
    world.pass_time(50)
    assert world.told == [("n0", True, "")]
    world.pass_time(30)
    assert world.told == [("n0", True, ""), ("n0", False, DOWN.message)]


def test_ready_needs_success_threshold_successes_in_a_row(world: World) -> None:
    answers = iter([UP, UP, DOWN, UP, UP, UP] + [UP] * 100)
    world.up = lambda _: next(answers)
    world.prober.watch(world.process(), READINESS, probe(successThreshold=3))
    world.pass_time(100)
    assert world.told == [("n0", False, DOWN.message), ("n0", True, "")]
    assert len(world.checks) >= 6


def test_the_initial_delay_counts_from_the_start_of_the_process(world: World) -> None:
    world.prober.watch(world.process(started_at=970), READINESS, probe(initialDelaySeconds=40))
    world.pass_time(20)
    assert world.checks[0][0] == pytest.approx(1010, abs=0.01)


def test_an_adopted_ready_instance_stays_ready_until_the_probe_says_otherwise(
    world: World,
) -> None:
    world.prober.watch(world.process(started_at=0), READINESS, probe(), initial=True)
    world.pass_time(100)
    assert world.told == []
    world.up = lambda _: DOWN
    world.pass_time(100)
    assert world.told == [("n0", False, DOWN.message)]


def test_a_thousand_adopted_instances_do_not_stampede(world: World) -> None:
    for instance in range(1000):
        world.prober.watch(world.process(instance, started_at=0), READINESS, probe(), initial=True)
    world.pass_time(10)
    seconds = [int(at - 1000) for at, _ in world.checks]
    assert max(seconds.count(second) for second in range(10)) < 200
    assert len({instance for _, instance in world.checks}) == 1000


def test_no_more_than_64_checks_are_under_way_and_all_get_their_turn(world: World) -> None:
    world.lasts = 0.5
    for instance in range(1000):
        world.prober.watch(world.process(instance), READINESS, probe())
    world.pass_time(9)
    assert world.most == 64
    assert len({nonce for nonce, _, _ in world.told}) == 1000


def test_slow_checks_do_not_stretch_the_period(world: World) -> None:
    world.lasts = 4
    world.prober.watch(world.process(), READINESS, probe(periodSeconds=10, timeoutSeconds=5))
    world.pass_time(100)
    assert all(9 <= gap <= 11.001 for gap in world.gaps()[1:])


def test_what_is_forgotten_is_neither_checked_nor_told(world: World) -> None:
    world.lasts = 1
    world.prober.watch(world.process(), READINESS, probe())
    world.pass_time(0.5)
    world.prober.forget("n0")
    world.pass_time(100)
    assert len(world.checks) == 1
    assert world.told == []
    assert world.in_flight == 0
    assert ("n0", READINESS) not in world.prober


@pytest.mark.parametrize("during", [0.0, 0.5, 5.0], ids=["before", "during", "between"])
def test_a_changed_probe_applies_at_once(world: World, during: float) -> None:
    world.lasts = 1
    world.prober.watch(world.process(), READINESS, probe(periodSeconds=600))
    world.pass_time(during)
    seen = len(world.checks)
    world.prober.watch(world.process(), READINESS, probe(periodSeconds=5))
    world.pass_time(0.1)
    assert len(world.checks) == seen + 1
    world.pass_time(30)
    assert world.told == [("n0", True, "")]
    assert len(world.checks) >= seen + 5


def test_an_update_between_creation_and_first_step_of_a_check_loses_nothing(
    world: World,
) -> None:
    world.prober.watch(world.process(), READINESS, probe(periodSeconds=600))
    changed = (world.process(), READINESS, probe(periodSeconds=5))
    world.loop.call_later(0, world.prober.watch, *changed)
    world.pass_time(30)
    assert world.told == [("n0", True, "")]
    assert len(world.checks) >= 5


def test_watching_twice_is_one_watch(world: World) -> None:
    for _ in range(3):
        world.prober.watch(world.process(), READINESS, probe())
    world.pass_time(0.01)
    assert len(world.checks) == 1


def test_a_liveness_is_good_until_it_has_failed_often_enough(world: World) -> None:
    told: list[tuple[ProbeRole, bool | None]] = []
    world.prober = Prober(
        world.loop, lambda nonce, role, ok, message: told.append((role, ok)), world.check
    )
    world.up = lambda instance: DOWN
    liveness = probe(periodSeconds=10, failureThreshold=3)
    world.prober.watch(world.process(), ProbeRole.LIVENESS, liveness, initial=True)
    world.pass_time(19)
    assert told == []
    world.pass_time(15)
    assert told == [(ProbeRole.LIVENESS, False)]


def test_a_startup_fails_only_after_its_periods_however_often_it_was_asked(world: World) -> None:
    told: list[tuple[float, bool | None]] = []
    began = world.loop.now
    world.prober = Prober(
        world.loop,
        lambda nonce, role, ok, message: told.append((world.loop.now - began, ok)),
        world.check,
    )
    world.up = lambda instance: DOWN
    startup = probe(periodSeconds=10, failureThreshold=3)
    world.prober.watch(world.process(), ProbeRole.STARTUP, startup, initial=False)
    world.pass_time(29)
    assert [ok for _, ok in told] == [None] and len(world.checks) > 3
    world.pass_time(15)
    at, ok = told[-1]
    assert ok is False and 30 <= at <= 41


def test_what_a_program_says_by_itself_is_heard_at_once(world: World) -> None:
    world.up = lambda instance: DOWN
    notify = Probe.model_validate({"notify": True, "periodSeconds": 600})
    world.prober.watch(world.process(), READINESS, notify)
    world.pass_time(60)
    world.up = lambda instance: UP
    before = world.loop.now
    world.prober.prompt("n0")
    world.pass_time(0.001)
    assert world.told[-1] == ("n0", True, "") and world.checks[-1][0] == before


def test_checks_are_counted_by_app_with_how_long_they_took(world: World) -> None:
    tally = Tally()
    world.prober = Prober(world.loop, world.tell, world.check, tally)
    world.lasts = 0.25
    world.up = lambda instance: UP if len(world.checks) > 2 else DOWN
    world.prober.watch(world.process(), READINESS, probe(periodSeconds=10))
    world.pass_time(25)
    found = tally.of("a").probes["readiness"]
    assert found.failed == 2 and found.succeeded == len(world.checks) - 2 > 0
    assert found.seconds == pytest.approx(0.25 * len(world.checks))
