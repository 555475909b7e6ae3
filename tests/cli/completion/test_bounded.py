"""A look that never ends is left behind, and what it found until then counts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

from reconciler.cli.completion.bounded import found_within
from tests.waiting import until


def test_what_a_look_finds() -> None:
    assert found_within(10, lambda: [1, {"a": "é"}, [None]]) == ([1, {"a": "é"}, [None]], True)
    assert found_within(10, list) == ([], True)


def test_a_look_that_hangs_is_ended_and_what_it_found_is_taken(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    note = tmp_path / "pid"

    def look() -> Iterator[str]:
        note.write_text(str(os.getpid()))
        yield "first"
        fifo.read_text()  # until another process writes, and none does
        yield "never"

    began = time.monotonic()
    assert found_within(0.3, look) == (["first"], False)
    assert time.monotonic() - began < 5
    pid = int(note.read_text())
    until(lambda: os.waitpid(pid, os.WNOHANG)[0] == pid, what="the process has ended")


def test_a_look_that_fails_says_nothing(capfd: object) -> None:
    def look() -> Iterator[str]:
        yield "first"
        print("noise")
        raise ValueError("loud")

    assert found_within(10, look) == (["first"], False)
    assert capfd.readouterr() == ("", "")  # type: ignore[attr-defined]


def test_an_endless_answer_is_cut() -> None:
    def look() -> Iterator[str]:
        while True:
            yield "x" * 100_000

    found, whole = found_within(20, look)
    assert not whole and 0 < len(found) < 200
