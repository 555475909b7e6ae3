"""Work that forks help with: the same results, whatever becomes of a helper."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable

import pytest

from reconciler.system.work import spread as module
from reconciler.system.work.spread import spread
from tests.waiting import until

ITEMS = range(1000)
EXPECTED = [item * item for item in ITEMS]


def here(item: int) -> int:
    return item * item


_FORKED: list[int] = []


@pytest.fixture(autouse=True)
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each process that a test forks is in the list: other children are not meant."""

    def noting() -> int:
        pid = fork()
        if pid:
            _FORKED.append(pid)
        return pid

    fork = os.fork
    _FORKED.clear()
    monkeypatch.setattr(os, "fork", noting)


def dead() -> bool:
    """Whether no helper is alive; those that have ended are reaped."""
    return not any(map(_is_alive, _FORKED))


def _is_alive(pid: int) -> bool:
    with contextlib.suppress(ChildProcessError):
        return os.waitpid(pid, os.WNOHANG)[0] == 0
    return False


@pytest.mark.parametrize("helpers", [0, 1, 3])
@pytest.mark.parametrize("count", [0, 1, 31, 32, 33, 1000])
def test_the_results_are_those_of_one_process(helpers: int, count: int) -> None:
    assert spread(range(count), here, here, helpers=helpers) == EXPECTED[:count]
    until(dead, 10, "the helpers' end")


def test_helpers_do_a_part_of_the_work() -> None:
    def patient(item: int) -> int:
        until(worked.exists, 30, "a helper")  # as if each had a processor
        return os.getpid()

    def there(item: int) -> int:
        worked.make()
        return os.getpid()

    worked = _Flag()
    found = spread(ITEMS, patient, there, helpers=2)
    assert {*found} - {os.getpid()} and len(found) == len(ITEMS)
    until(dead, 10, "the helpers' end")


def test_what_a_helper_leaves_out_is_done_here() -> None:
    assert spread(ITEMS, here, lambda item: None, helpers=2) == EXPECTED


def raises(item: int) -> int:
    raise ValueError(item)


def unpicklable(item: int) -> Callable[[], int]:
    return lambda: item


def is_killed(item: int) -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


def hangs(item: int) -> int:
    while True:
        time.sleep(60)


@pytest.mark.parametrize("there", [raises, unpicklable, is_killed, hangs])
def test_a_helper_that_fails_costs_nothing_but_time(
    there: Callable[[int], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    assert spread(ITEMS, here, there, helpers=2) == EXPECTED
    until(dead, 10, "the helpers' end")


def test_a_host_that_allows_no_process_has_no_helpers(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", refuse)
    before = os.listdir("/proc/self/fd")
    assert spread(ITEMS, here, raises, helpers=2) == EXPECTED
    assert len(os.listdir("/proc/self/fd")) == len(before)


def test_an_error_here_ends_the_helpers() -> None:
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(ValueError, match=r"[0-9]+"):
        spread(ITEMS, raises, hangs, helpers=2)
    until(dead, 10, "the helpers' end")
    assert len(os.listdir("/proc/self/fd")) == before


class _Flag:
    """Something that a child can set."""

    def __init__(self) -> None:
        self._reader, self._writer = os.pipe()
        os.set_blocking(self._reader, False)
        self._is_set = False

    def make(self) -> None:
        os.write(self._writer, b"!")

    def exists(self) -> bool:
        with contextlib.suppress(BlockingIOError):
            self._is_set = self._is_set or bool(os.read(self._reader, 1))
        return self._is_set
