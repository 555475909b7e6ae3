"""Times of processes and of the loop are on one clock."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from reconciler.system import procfs
from reconciler.system.clock import (
    _Steps,
    boot_id,
    boot_now,
    local_zone,
    ticks_to_seconds,
    wall_of,
)


def test_a_process_started_before_now_on_the_clock_of_its_start_time() -> None:
    found = procfs.stat(os.getpid())
    assert found is not None
    assert 0 < ticks_to_seconds(found.start) <= boot_now()


def test_wall_time_of_an_instant_keeps_distances() -> None:
    now = boot_now()
    assert abs(wall_of(now) - wall_of(now - 100) - 100) < 1
    assert abs(wall_of(now) - time.time()) < 60


def test_the_boot_has_one_name() -> None:
    assert len(boot_id()) == 36
    assert boot_id() == boot_id()


def test_the_hosts_time_zone_is_the_first_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("TZ", raising=False)
    assert local_zone(tmp_path) == "UTC"
    (tmp_path / "timezone").write_text("Asia/Kolkata\n")
    assert local_zone(tmp_path) == "Asia/Kolkata"
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Europe/Berlin")
    assert local_zone(tmp_path) == "Europe/Berlin"
    monkeypatch.setenv("TZ", ":America/New_York")
    assert local_zone(tmp_path) == "America/New_York"
    monkeypatch.setenv("TZ", "no/such")
    assert local_zone(tmp_path) == "Europe/Berlin"


def test_it_is_seen_when_the_clock_is_set_forward() -> None:
    steps = _Steps()
    assert steps.look(1000.0, 5.0).forward_at is None
    assert steps.look(1000.4, 65.0).forward_at is None, "NTP"
    wall = steps.look(8200.4, 100.0)
    assert (wall.forward, wall.forward_at) == (7200.0, 100.0)
    assert wall.came(wall.at(100.0) - 3600) == 100.0, "the moment was skipped, and came then"
    assert wall.came(wall.at(200.0)) == pytest.approx(200.0)
    assert steps.look(1000.4, 160.0).forward_at == 100.0, "set back shows by itself"


def test_the_zone_is_looked_up_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each pass over each app asks; a changed zone counts a second later."""
    asked: list[str] = []
    zones = iter(["Europe/Berlin", "Asia/Kolkata"])

    def zone() -> str:
        asked.append(next(zones))
        return asked[-1]

    monkeypatch.setattr("reconciler.system.clock.local_zone", zone)
    steps = _Steps()
    assert {steps.look(0.0, 100 + n / 1000).zone for n in range(900)} == {"Europe/Berlin"}
    assert steps.look(0.0, 101.5).zone == "Asia/Kolkata"
    assert len(asked) == 2
