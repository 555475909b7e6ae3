"""What hangs is given up after a bounded time, and costs nothing from then on."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator

import pytest

from reconciler.system.work.aside import Aside
from tests.waiting import until

PATIENCE = 0.3
"""Seconds in which a thread that only returns a number has done so, on a busy machine too."""


class Doors:
    """Calls that wait until their door is opened."""

    def __init__(self) -> None:
        self._open = threading.Event()
        self.entered: list[int] = []

    def call(self, number: int) -> int:
        self.entered.append(number)
        if number < 0:
            self._open.wait()
        return number * 10

    def open(self) -> None:
        self._open.set()


@pytest.fixture
def doors() -> Iterator[Doors]:
    made = Doors()
    yield made
    made.open()


def test_all_that_answer_are_there(doors: Doors) -> None:
    assert Aside().each(doors.call, [1, 2, 3]) == {1: 10, 2: 20, 3: 30}
    assert Aside().each(doors.call, []) == {}


def test_what_hangs_is_left_out_and_the_rest_is_had(doors: Doors) -> None:
    assert Aside(PATIENCE).each(doors.call, [1, -1, 2]) == {1: 10, 2: 20}


def test_many_that_hang_cost_no_more_than_the_first_ones(doors: Doors) -> None:
    aside = Aside(PATIENCE, most=2)
    assert aside.each(doors.call, [*range(-500, 0), 1]) == {}
    assert len(doors.entered) == aside.stuck == 2
    assert aside.each(doors.call, [1, 2]) == {}, "nothing is tried while two hang"
    doors.open()
    until(lambda: aside.stuck == 0)
    assert aside.each(doors.call, [1, -1]) == {1: 10, -1: -10}


def test_slow_calls_are_not_taken_for_hanging() -> None:
    """Each waits for its answer until somebody has seen that it was asked."""
    asked: queue.Queue[int] = queue.Queue()
    answers: queue.Queue[int] = queue.Queue()

    def slow(number: int) -> int:
        asked.put(number)
        return answers.get(timeout=60)

    def answer() -> None:
        for _ in range(6):
            answers.put(asked.get(timeout=60))

    answering = threading.Thread(target=answer)
    answering.start()
    try:
        found = Aside(60).each(slow, [*range(6)])
    finally:
        answering.join()
    assert found == {number: number for number in range(6)}


def test_an_error_is_the_callers() -> None:
    def fail(_: int) -> None:
        raise OSError(24, "Too many open files")

    with pytest.raises(OSError, match="Too many"):
        Aside().each(fail, [1])
