"""The last lines of one process, from the ends of its logs."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.logs.read.last_output import last_output


def stamp(at: float) -> str:
    when = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return when.replace("+00:00", "Z")


def log(state: Path, stream: str, *lines: tuple[float, str], instance: int = 0) -> Path:
    path = state / "logs" / "web" / f"{instance}.{stream}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as file:
        file.writelines(f"{stamp(at)} {text}\n" for at, text in lines)
    return path


def read(state: Path, since: float | None, until: float | None) -> tuple[str, list[str]]:
    found = last_output(state, "web", 0, since=since, until=until)
    return found.stream, list(found.lines)


def test_only_what_the_process_wrote_is_shown(tmp_path: Path) -> None:
    log(tmp_path, "err", (100, "before"), (200, "mine"), (300, "after"))
    log(tmp_path, "err", (200, "another instance"), instance=1)
    assert read(tmp_path, 150, 250) == ("err", ["mine"])


def test_standard_output_speaks_where_standard_error_is_silent(tmp_path: Path) -> None:
    log(tmp_path, "err", (100, "before"))
    log(tmp_path, "out", (200, "hello"))
    assert read(tmp_path, 150, 250) == ("out", ["hello"])


def test_of_a_large_log_only_the_end_is_read(tmp_path: Path) -> None:
    log(tmp_path, "err", *((200.0, f"line {n} {'x' * 100}") for n in range(5000)))
    _, lines = read(tmp_path, 150, 250)
    assert len(lines) <= 60 and lines[-1].startswith("line 4999 ")


@pytest.mark.parametrize("kind", ["fifo", "directory", "nothing"])
def test_what_is_no_log_is_passed_over(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "logs" / "web" / "0.err.log"
    path.parent.mkdir(parents=True)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    assert read(tmp_path, None, None) == ("out", [])
