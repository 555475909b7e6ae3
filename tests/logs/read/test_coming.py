"""What is written is read once, over rotations and restarts of the reader, and none is missed."""

from __future__ import annotations

import gzip
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.logs.read import coming, past, slices
from reconciler.logs.read.request import (
    BeginOrder,
    ComingOrder,
    Cursor,
    LogQuery,
    PastOrder,
    Position,
)
from reconciler.model.words import logname
from reconciler.system.work.session import Session


class Log:
    """One log that is written to."""

    def __init__(self, state: Path, name: str = "0.out") -> None:
        self.path = state / "logs/web" / f"{name}.log"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.written: list[str] = []
        self.name = name

    def write(self) -> None:
        number = len(self.written)
        text = f"{self.name} {number}"
        self.written.append(text)
        stamp = f"2026-11-24T03:15:{number // 1000:02}.{number % 1000:03}Z"
        with self.path.open("a") as file:
            file.write(f"{stamp} {text}\n")

    def rotate(self, *, packed: bool = False) -> None:
        if not self.path.exists():
            return
        time.sleep(0.003)  # no two of them are of one moment
        older = self.path.with_name(f"{self.path.name}.{datetime.now(UTC):{logname.TIME}}")
        self.path.rename(older)
        if packed:
            older.with_name(f"{older.name}.gz").write_bytes(gzip.compress(older.read_bytes()))
            older.unlink()


def begin(query: LogQuery, after: str | None = None) -> Cursor:
    position = Position.parse(after) if after is not None else None
    return coming.begin(BeginOrder(query, position), Session())


def read(query: LogQuery, cursor: Cursor) -> tuple[list[str], Cursor]:
    found = None
    texts: list[str] = []
    while found is None or not found.is_complete:
        found = coming.look(ComingOrder(query, cursor), Session())
        cursor = found.cursor
        texts += [line.text for line in found.lines]
        assert found.lost == 0
    return texts, cursor


STEPS = st.lists(st.sampled_from(["write", "rotate", "pack", "read"]), max_size=25)


@given(STEPS, st.sampled_from([1, 2, 2000]))
def test_each_line_comes_once_over_any_rotations(steps: list[str], lines: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "_LINES", lines)
        log, query = Log(Path(folder)), LogQuery(Path(folder), "web")
        log.write()
        cursor, texts = begin(query), ["0.out 0"]
        for step in steps:
            if step == "write":
                log.write()
            elif step == "read":
                found, cursor = read(query, cursor)
                texts += found
            else:
                log.rotate(packed=step == "pack")
        texts += read(query, cursor)[0]
        assert texts == log.written


def test_an_instance_that_is_new_is_read_from_its_start(tmp_path: Path) -> None:
    first, second = Log(tmp_path), Log(tmp_path, "1.out")
    first.write()
    query = LogQuery(tmp_path, "web")
    cursor = begin(query)
    second.write()
    first.write()
    texts, cursor = read(query, cursor)
    assert sorted(texts) == ["0.out 1", "1.out 0"]
    assert read(query, cursor)[0] == []


def test_half_a_line_waits_for_its_end(tmp_path: Path) -> None:
    log, query = Log(tmp_path), LogQuery(tmp_path, "web")
    with log.path.open("a") as file:
        file.write("2026-11-24T03:15:01.000Z half")
    cursor = begin(query)
    assert read(query, cursor)[0] == []
    with log.path.open("a") as file:
        file.write(" and whole\n")
    assert read(query, cursor)[0] == ["half and whole"]


def test_a_log_that_another_program_empties_is_read_on(tmp_path: Path) -> None:
    log, query = Log(tmp_path), LogQuery(tmp_path, "web")
    for _ in range(3):
        log.write()
    cursor = begin(query)
    log.path.write_bytes(b"")
    log.write()
    assert read(query, cursor)[0] == ["0.out 3"]


def test_a_file_that_is_gone_before_it_was_read_is_told_once(tmp_path: Path) -> None:
    log, query = Log(tmp_path), LogQuery(tmp_path, "web")
    log.write()
    cursor = begin(query)
    log.write()
    log.path.rename(tmp_path / "kept")  # so that its inode is not given to the next one
    assert read(query, cursor)[0] == [], "there is no log just now"
    log.write()
    found = coming.look(ComingOrder(query, cursor), Session())
    assert found.lost == 1 and [line.text for line in found.lines] == ["0.out 2"]
    assert read(query, found.cursor)[0] == []


@given(st.integers(0, 9), st.sampled_from(["", "rotate", "pack"]))
def test_after_a_line_come_those_that_follow_it(number: int, then: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        logs = [Log(Path(folder)), Log(Path(folder), "1.out")]
        query = LogQuery(Path(folder), "web")
        for _ in range(5):
            for log in logs:
                log.write()
        lines = past.look(PastOrder(query, 100), Session()).lines[::-1]
        # Both logs have each time: of the line's own time those of the other log may be left out.
        line = lines[number]
        if then:
            logs[0].rotate(packed=then == "pack")
        texts = read(query, begin(query, line.position))[0]
        later = [one.text for one in lines if one.time and line.time and one.time > line.time]
        assert texts == later or sorted(texts) == sorted(later)
