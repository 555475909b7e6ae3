"""What keeps output over a restart: how much is not kept, why, and what to do."""

from __future__ import annotations

import pytest

from reconciler.checks.held import of_held
from reconciler.model.host.held import Held
from reconciler.model.state.finding import Level

_WELL = Held(streams=8, unheld=0, pid=7, ended=0, reason=None, limit=1024)


def test_where_all_is_kept_nothing_is_to_be_done() -> None:
    found = of_held(_WELL)
    assert (found.check, found.level, found.remedy) == ("output", Level.OK, "")
    assert "8 streams of output" in found.message
    nothing = of_held(_WELL._replace(streams=0, pid=None))
    assert nothing.level is Level.OK


@pytest.mark.parametrize(
    ("reason", "why", "remedy"),
    [
        ("ETOOMANYREFS", "1,024 descriptors", "LimitNOFILE"),
        ("EMFILE", "1,024 files open", "ulimit -n"),
        ("ENFILE", "the host has no more", "fs.file-max"),
        ("EAGAIN", "(EAGAIN)", "dmesg"),
    ],
)
def test_what_the_kernel_refused_is_counted_with_its_cause(
    reason: str, why: str, remedy: str
) -> None:
    found = of_held(_WELL._replace(streams=2200, unheld=1100, reason=reason))
    assert found.level is Level.WARNING and remedy in found.remedy
    assert "1,100 of 2,200 streams of output are not kept" in found.message
    assert why in found.message
    one = of_held(_WELL._replace(unheld=1, reason=reason))
    assert "1 of 8 streams of output is not kept" in one.message


def test_a_process_that_cannot_be_started_is_a_problem() -> None:
    found = of_held(_WELL._replace(pid=None, reason="EAGAIN"))
    assert found.level is Level.PROBLEM and "EAGAIN" in found.message


def test_a_process_that_was_killed_is_a_warning_though_another_one_runs() -> None:
    found = of_held(_WELL._replace(ended=1))
    assert found.level is Level.WARNING and "was killed once" in found.message
    assert "pid 7" in found.message
    assert "was killed 3 times" in of_held(_WELL._replace(ended=3)).message
