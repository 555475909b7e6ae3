"""A host that allows no more threads is as one that allows no more processes: tried again."""

from __future__ import annotations

import os
import resource
import threading

import pytest

from reconciler.system.work import threads
from tests.otheruser import as_user


def test_a_thread_runs_beside() -> None:
    done = threading.Event()
    assert threads.start(done.set, name="beside").daemon
    assert done.wait(60)


@pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED: RLIMIT_NPROC does not hold for root")
def test_one_too_many_is_an_error_of_the_operating_system() -> None:
    def begin() -> str:
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        try:
            threads.start(print)
        except BlockingIOError as error:
            return os.strerror(error.errno or 0)
        return "started"

    assert as_user(begin, 54398) == "Resource temporarily unavailable"
