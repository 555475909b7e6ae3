"""What `recon logs` reads back is what was written, in the order of time."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

from reconciler.observed import logs
from reconciler.observed.logs import LogLine


def write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.writelines(line + "\n" for line in lines)


def at(second: int, text: str) -> str:
    return f"2026-11-24T03:15:{second:02}.500Z {text}"


def texts(lines: list[LogLine]) -> list[str]:
    return [line.text for line in lines]


def test_lines_of_all_instances_and_streams_are_merged_by_time(tmp_path: Path) -> None:
    write(tmp_path / "logs/api/0.out.log", at(1, "a"), at(4, "d"))
    write(tmp_path / "logs/api/1.err.log", at(2, "b"))
    write(tmp_path / "logs/web/0.out.log", at(3, "c"), at(5, "e"))
    assert texts(logs.tail(logs.find(tmp_path))) == ["a", "b", "c", "d", "e"]
    assert texts(logs.tail(logs.find(tmp_path), lines=2)) == ["d", "e"]
    assert texts(logs.tail(logs.find(tmp_path, ["api"], ["out"]))) == ["a", "d"]
    line = logs.tail(logs.find(tmp_path), lines=1)[0]
    assert (line.app, line.instance, line.stream, line.time) == ("web", 0, "out", 1795490105.5)


def test_rotated_and_compressed_files_are_read_and_none_of_them_twice(tmp_path: Path) -> None:
    path = tmp_path / "logs/api/0.out.log"
    oldest = path.with_name(path.name + ".20261124-031500-000000.gz")
    older = path.with_name(path.name + ".20261124-031510-000000")
    write(older, at(3, "c"), at(4, "d"))
    oldest.write_bytes(gzip.compress(f"{at(1, 'a')}\n{at(2, chr(13) + 'b')}\n".encode()))
    older.with_name(older.name + ".gz").write_bytes(gzip.compress(older.read_bytes()))
    write(path, at(5, "e"))
    assert texts(logs.tail(logs.find(tmp_path))) == ["a", "\rb", "c", "d", "e"]


def test_since_and_grep_choose_among_the_lines(tmp_path: Path) -> None:
    write(tmp_path / "logs/api/0.out.log", *(at(s, f"line {s}") for s in range(60)))
    found = logs.find(tmp_path)
    assert texts(logs.tail(found, since=1795490100 + 58)) == ["line 58", "line 59"]
    assert texts(logs.tail(found, grep=r"e 1\d$", lines=2)) == ["line 18", "line 19"]


def test_lines_without_times_keep_the_order_of_their_file(tmp_path: Path) -> None:
    write(tmp_path / "logs/api/0.out.log", *(f"plain {n}" for n in range(50_000)))
    found = logs.find(tmp_path)
    assert texts(logs.tail(found, lines=3)) == ["plain 49997", "plain 49998", "plain 49999"]
    assert texts(logs.tail(found)) == [f"plain {n}" for n in range(50_000)]


def test_half_a_line_is_not_shown_and_a_long_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "logs/api/0.out.log"
    write(path, at(1, "x" * 300_000), at(2, "b"))
    with path.open("a") as file:
        file.write(at(3, "half"))
    assert texts(logs.tail(logs.find(tmp_path))) == ["x" * 300_000, "b"]


def test_the_last_lines_of_a_huge_log_are_found_without_reading_it(tmp_path: Path) -> None:
    path = tmp_path / "logs/api/0.out.log"
    write(path, at(1, "first"))
    with path.open("r+b") as file:
        file.truncate(2**40)
        file.seek(2**40)
        file.write(f"\n{at(2, 'last')}\n".encode())
    assert texts(logs.tail(logs.find(tmp_path), lines=1)) == ["last"]


def follow(state: Path) -> Iterator[LogLine | None]:
    return logs.follow(lambda: logs.find(state))


def take(lines: Iterator[LogLine | None]) -> list[str]:
    """What came until there was nothing new."""
    found = []
    while (line := next(lines)) is not None:
        found.append(line.text)
    return found


def test_following_survives_rotations_new_instances_and_half_lines(tmp_path: Path) -> None:
    path = tmp_path / "logs/api/0.out.log"
    write(path, at(1, "old"))
    lines = follow(tmp_path)
    assert take(lines) == []
    write(path, at(2, "a"))
    path.rename(path.with_name(path.name + ".20261124-031500-000000"))
    write(path, at(3, "b"))
    path.rename(path.with_name(path.name + ".20261124-031500-000001"))
    write(path, at(4, "c"))
    with path.open("a") as file:
        file.write(at(5, "ha"))
    assert take(lines) == ["a", "b", "c"]
    write(path, "lf")
    write(tmp_path / "logs/api/1.out.log", at(6, "new"))
    assert take(lines) == ["half", "new"]
    write(tmp_path / "logs/api/1.out.log", at(7, "newer"))
    assert take(lines) == ["newer"]
