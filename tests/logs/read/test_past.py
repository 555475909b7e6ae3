"""Scrolling back shows each line once, in the order of `recon logs`, however small the pages."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.logs.read import past, search, slices
from reconciler.logs.read.files import find
from reconciler.logs.read.request import Cursor, Line, LogQuery, Past, PastOrder, Place, Position
from reconciler.system.work.session import Session

PLAIN = st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=12)
LOGS = ("0.out", "0.err", "1.out")


def stamp(second: int) -> str:
    return f"2026-11-24T03:{15 + second // 60:02}:{second % 60:02}.000Z "


def write(state: Path, name: str, rows: list[tuple[int, bool]], cut: int = 0) -> None:
    """A log whose times rise; some lines have none; rotated after ``cut`` lines."""
    path = state / "logs/web" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    second, when, texts = 0, "", []
    for number, (more, is_timed) in enumerate(rows):
        second += more + (number == cut)
        if number == cut - 1:
            when = stamp(second)[11:19].replace(":", "")
        texts.append(f"{stamp(second) if is_timed else ''}{name} {number}\n")
    if cut:
        path.with_name(f"{path.name}.20261124-{when}-500000").write_text("".join(texts[:cut]))
    path.write_text("".join(texts[cut:]))


def pages(query: LogQuery, most: int, ends: Cursor | None = None) -> Iterator[Line]:
    """The newest line first, each answer with ``most`` lines."""
    before, is_over = None, False
    while not is_over:
        found = past.look(PastOrder(query, most, before, ends), Session())
        yield from found.lines
        assert not found.lines or found.pages == () or len(found.lines) < most
        if found.pages:
            before = found.pages[0].before
        elif found.lines:
            before = Position.parse(found.lines[-1].position)
        else:
            before, is_over = found.before, found.is_complete


@given(PLAIN, PLAIN, PLAIN, st.integers(1, 5), st.integers(0, 6))
def test_pages_are_together_what_the_logs_hold(
    one: Any, two: Any, three: Any, most: int, cut: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder)
        for name, rows in zip(LOGS, (one, two, three), strict=True):
            # Lines in front of all that have a time are as old as the first that has one.
            write(state, name, [(0, True), *rows], cut if cut < len(rows) else 0)
        whole = [line.text for line in search.tail(find(state))]
        found = [line.text for line in pages(LogQuery(state, "web"), most)]
        assert sorted(found) == sorted(whole), "each once"
        for name in LOGS:
            assert [t for t in found if t.startswith(name)] == [
                t for t in whole if t.startswith(name)
            ][::-1]
        in_one = [*pages(LogQuery(state, "web"), 1000)]
        assert [line.text for line in in_one] == whole[::-1]
        assert found == whole[::-1]


def test_a_page_goes_on_after_its_file_was_rotated_or_compressed(tmp_path: Path) -> None:
    write(tmp_path, "0.out", [(1, True)] * 10)
    query = LogQuery(tmp_path, "web")
    first = past.look(PastOrder(query, 3), Session())
    before = Position.parse(first.lines[-1].position)
    path = tmp_path / "logs/web/0.out.log"
    rotated = path.with_name(f"{path.name}.20261124-031600-000000")
    path.rename(rotated)
    path.write_text(f"{stamp(59)}new\n")

    def texts(found: Past) -> list[str]:
        return [line.text for line in found.lines]

    assert texts(past.look(PastOrder(query, 2, before), Session())) == ["0.out 6", "0.out 5"]
    rotated.with_name(f"{rotated.name}.gz").write_bytes(gzip.compress(rotated.read_bytes()))
    rotated.unlink()
    assert texts(past.look(PastOrder(query, 2, before), Session())) == ["0.out 6", "0.out 5"]


def test_filters_and_a_search_in_whatever_case(tmp_path: Path) -> None:
    for name in LOGS:
        write(tmp_path, name, [(1, True)] * 3)

    def texts(**wanted: Any) -> list[str]:
        query = LogQuery(tmp_path, "web", **wanted)
        return [line.text for line in past.look(PastOrder(query, 100), Session()).lines]

    assert {text[:5] for text in texts(streams=("err",))} == {"0.err"}
    assert {text[:5] for text in texts(instance=1)} == {"1.out"}
    assert texts(search="ERR 2") == ["0.err 2"]
    assert texts(search="nothing") == []
    line = search.tail(find(tmp_path))[0]
    assert line.time is not None
    assert len(texts(until=line.time)) == 3 and len(texts(since=line.time + 0.5)) == 6


def test_what_came_after_the_ends_is_not_past(tmp_path: Path) -> None:
    write(tmp_path, "0.out", [(1, True)] * 4)
    write(tmp_path, "1.out", [(1, True)] * 4)
    path = tmp_path / "logs/web/0.out.log"
    half = path.read_bytes().index(b"0.out 2") - len(stamp(0))
    ends = {str(path): Place(path.stat().st_ino, half, 0.0)}
    for most in (1, 100):
        found = [line.text for line in pages(LogQuery(tmp_path, "web"), most, ends)]
        assert found == ["0.out 1", "0.out 0"], "the other log is newer as a whole"


def test_a_slice_is_bounded_and_is_gone_on_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, "0.out", [(1, True)] * 300)
    monkeypatch.setattr(slices, "_SECONDS", -1.0)
    query = LogQuery(tmp_path, "web", search="out 7")
    first = past.look(PastOrder(query, 1000), Session())
    assert not first.is_complete and first.before is not None and first.lines == ()
    wanted = [f"0.out {n}" for n in range(299, -1, -1) if str(n).startswith("7")]
    assert [line.text for line in pages(query, 1000)] == wanted
    path = tmp_path / "logs/web/0.out.log"
    path.write_text(f"{stamp(1)}{'x' * 1_000_000}\n")
    (line,) = past.look(PastOrder(LogQuery(tmp_path, "web"), 1), Session()).lines
    assert len(line.text) < slices.LONGEST + 100 and line.text.endswith("characters more)")


@given(PLAIN, PLAIN, st.integers(1, 60), st.integers(0, 30))
def test_what_does_not_fit_is_counted_by_pages(one: Any, two: Any, size: int, most: int) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(slices, "_CHARACTERS", size)
        state = Path(folder)
        for name, rows in zip(LOGS, (one, two), strict=False):
            write(state, name, [(0, True), *rows])
        query = LogQuery(state, "web")
        found = past.look(PastOrder(query, most), Session())
        texts = [line.text for line in found.lines]
        for page in found.pages:
            of_page = past.look(PastOrder(query, page.lines, page.before), Session())
            assert len(of_page.lines) == page.lines, "each page fits"
            texts += [line.text for line in of_page.lines]
        whole = [line.text for line in search.tail(find(state))][::-1]
        assert found.is_complete and texts == whole[:most]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "0x1p+0_1_1",
        "nan_1_1_1",
        "inf_1_1_1",
        "1_2_3_4",
        "0x1p+0_1_1_-1",
        "0x1.0p+999_1_1_1",
    ],
)
def test_what_is_no_position(text: str) -> None:
    with pytest.raises(ValueError, match="position of a line"):
        Position.parse(text)


@given(
    st.floats(1, 1e11),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**60 - 1),
    st.integers(0, 2**60 - 1),
)
def test_a_position_reads_as_it_is_written(key: float, log: int, inode: int, offset: int) -> None:
    position = Position(key, log, inode, offset)
    assert Position.parse(str(position)) == position
