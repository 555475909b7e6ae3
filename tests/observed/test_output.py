"""Lines that a process has written, found in its log; not those of anybody before it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from reconciler.observed.output import Output

PATTERN = re.compile(rb"^ready$")
STAMP = b"2026-11-24T12:00:00.123Z "


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "0.out.log"


def find(output: Output, pattern: re.Pattern[bytes]) -> bytes | None:
    """The first line that matches, of all that is new."""
    while True:
        for line in output.read():
            if pattern.search(line):
                return line
        if not output.has_more:
            return None


def append(log: Path, text: bytes) -> None:
    with log.open("ab") as file:
        file.write(text)


@pytest.mark.parametrize("stamp", [b"", STAMP])
def test_a_line_is_found_once_it_is_complete_and_without_its_time(log: Path, stamp: bytes) -> None:
    output = Output([log])
    append(log, stamp + b"starting\n" + stamp + b"rea")
    assert find(output, PATTERN) is None
    append(log, b"dy\n")
    assert find(output, PATTERN) is not None
    output.close()


def test_what_was_there_before_does_not_count(log: Path) -> None:
    append(log, b"ready\n")
    output = Output([log])
    assert find(output, PATTERN) is None
    append(log, b"ready\n")
    assert find(output, PATTERN) is not None
    output.close()


def test_a_file_that_is_rotated_is_read_to_its_end_first(log: Path) -> None:
    append(log, b"old\n")
    output = Output([log])
    append(log, b"ready\n")
    log.rename(log.with_suffix(".1"))
    append(log, b"new\n")
    assert find(output, PATTERN) is not None
    assert find(output, re.compile(b"^new$")) is not None
    output.close()


def test_a_line_in_the_file_that_came_after_a_rotation_is_found(log: Path) -> None:
    append(log, b"old\n")
    output = Output([log])
    log.rename(log.with_suffix(".1"))
    append(log, b"ready\n")
    assert find(output, PATTERN) is not None
    output.close()


def test_the_next_controller_looks_on_from_where_the_process_began(log: Path) -> None:
    append(log, b"ready\n")
    first = Output([log])
    offsets = first.offsets()
    first.close()
    second = Output([log], offsets)
    assert find(second, PATTERN) is None
    second.close()
    append(log, b"ready\n")
    third = Output([log], offsets)
    assert find(third, PATTERN) is not None
    third.close()


def test_of_a_very_long_line_only_the_beginning_is_looked_at(log: Path) -> None:
    output = Output([log])
    append(log, b"x" * 3_000_000 + b"needle\nneedle\n")
    found = find(output, re.compile(b"needle"))
    assert found == b"needle"
    output.close()


def test_either_stream_may_hold_it(tmp_path: Path) -> None:
    output = Output([tmp_path / "out", tmp_path / "err"])
    append(tmp_path / "err", b"ready\n")
    assert find(output, PATTERN) is not None
    output.close()


def test_of_json_only_the_lines_of_the_instance_count(tmp_path: Path) -> None:
    log = tmp_path / "one.log"
    output = Output([log], instance=1)
    line = b'{"app":"api","instance":%d,"stream":"stdout","message":"%s"}\n'
    append(log, line % (0, b"ready"))
    append(log, line % (0, b"x" * 5000 + b"ready"))
    assert find(output, re.compile(rb"ready|x{9}")) is None
    append(log, line % (1, b"ready"))
    assert find(output, PATTERN) is not None
    output.close()


def test_a_time_of_the_users_own_is_no_part_of_the_line(log: Path) -> None:
    output = Output([log], timestamps=("[%H:%M:%S]",))
    append(log, b"[12:00:01] ready\n")
    assert find(output, PATTERN) is not None
    output.close()


def test_what_is_no_file_is_not_opened_and_no_look_reads_all_of_a_huge_one(log: Path) -> None:
    os.mkfifo(log)
    output = Output([log])
    assert output.read() == [] and not output.has_more
    log.unlink()
    log.symlink_to("/dev/zero")
    assert output.read() == [] and not output.has_more
    log.unlink()
    log.touch()
    os.truncate(log, 8 << 40)
    assert output.read() == [] and output.has_more
    assert sum(output.offsets().values()) < 1 << 20
    output.close()
