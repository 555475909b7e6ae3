"""A password can be tried a few times, then seldom; no address shuts out another."""

from __future__ import annotations

from reconciler.ui.dashboard.security.tries import Tries
from tests.ui.dashboard.security.test_links import Clock


def test_five_tries_at_once_then_one_each_twelve_seconds() -> None:
    clock = Clock()
    tries = Tries(clock)
    assert [tries.wait("a") for _ in range(5)] == [0.0] * 5
    wait = tries.wait("a")
    assert 0 < wait <= 12
    clock.now += wait
    assert tries.wait("a") == 0 and tries.wait("a") > 0


def test_waiting_in_vain_costs_nothing_more_and_peace_restores_all_tries() -> None:
    clock = Clock()
    tries = Tries(clock)
    for _ in range(100):
        tries.wait("a")
    assert tries.wait("a") <= 12
    clock.now += 60
    assert [tries.wait("a") for _ in range(5)] == [0.0] * 5


def test_one_address_shuts_out_no_other_and_a_right_password_forgives() -> None:
    tries = Tries(Clock())
    for _ in range(6):
        tries.wait("attacker")
    assert tries.wait("attacker") > 0 and tries.wait("owner") == 0
    tries.forgive("attacker")
    assert tries.wait("attacker") == 0


def test_many_addresses_get_one_try_a_second_together_and_little_memory() -> None:
    clock = Clock()
    tries = Tries(clock)
    allowed = sum(tries.wait(f"10.0.{n // 256}.{n % 256}") == 0 for n in range(5000))
    assert allowed == 60
    clock.now += 1
    assert tries.wait("another") == 0 and tries.wait("one more") > 0
    assert len(tries._full_at) == 1000
