"""Times of processes and of the loop are on one clock."""

from __future__ import annotations

import os
import time

from reconciler.observed import procfs
from reconciler.observed.clock import boot_id, boot_now, ticks_to_seconds, wall_of


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
