"""docs/reliability.md is made of results alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from e2e.reliability.chapters import CHAPTERS
from e2e.reliability.page import page
from e2e.reliability.results import SWITCH, Part, Row, add, read

MACHINE = {
    "cores": 2,
    "processor": "a processor",
    "memoryMiB": 4000,
    "kernel": "6.1",
    "python": "3.11.7",
    "filesystem": "ext4",
    "at": "2026-12-01T03:00:00+00:00",
}


def part(name: str, *rows: Row, **figures: object) -> Part:
    return Part(name, dict(figures), [*rows], "2026-12-01 03:00", "abc")


def test_a_part_without_a_result_has_no_chapter() -> None:
    text = page({"soak": part("soak", Row("memory", "", "held"))}, MACHINE, "abc")
    assert re.findall(r"^## (.+)$", text, re.M) == [
        *("What recon promises", "What was tested", "Hours of work"),
        *("What is not covered", "The machine"),
    ]


def test_a_part_without_a_new_result_keeps_its_chapter() -> None:
    row = Row("memory", "of the controller", "held")
    before = page({"soak": part("soak", row), "fuzz": part("fuzz", row)}, MACHINE, "abc")
    fresh = Part("fuzz", {}, [row, row], "2027-01-01 00:00", "def")
    after = page({"fuzz": fresh}, MACHINE, "def", before)
    chapters = r"^## Hours of work$.*?(?=^## )"
    for kept in (chapters, r"^\| \[Hours of work\].*$"):
        found = [
            re.search(kept, text, re.M | (re.S if "##" in kept else 0)) for text in (before, after)
        ]
        assert found[0] is not None and found[1] is not None
        assert found[0][0] == found[1][0]
    assert "2027-01-01 00:00" in after and after.count("2026-12-01 03:00") == 2


def test_a_matrix_has_a_row_a_kind_a_column_a_situation_and_a_note_for_each_that_is_not_held() -> (
    None
):
    rows = [
        Row("deaf × stop", "ignores SIGTERM", "held"),
        Row("deaf × down", "ignores SIGTERM", "failed", "pid 7 is left"),
        Row("silent × stop", "writes nothing", "skipped", "needs a|b"),
    ]
    text = page({"children": part("children", *rows)}, MACHINE, "abc")
    assert "|  | stop | down | what |" in text
    assert "| deaf | ok | FAILED | ignores SIGTERM |" in text
    assert "| silent | – |  | writes nothing |" in text
    assert "| deaf × down | failed | pid 7 is left |" in text
    assert "needs a\\|b" in text
    assert "1 held, 1 skipped, 1 failed" in text


def test_figures_are_words_and_numbers_of_a_reader() -> None:
    figures = {"linesLost": 0, "seeds": 10000, "sometimes": {"fullDisk": 312}}
    text = page({"simulate": part("simulate", **figures)}, MACHINE, "abc")
    assert "lines lost 0; seeds 10,000." in text
    assert "Sometimes: full disk 312." in text


def test_long_tables_are_folded() -> None:
    rows = [Row(f"site {number}", "", "held") for number in range(31)]
    assert "<summary>31 cases</summary>" in page({"faults": part("faults", *rows)}, MACHINE, "")
    assert "<summary>" not in page({"faults": part("faults", *rows[:30])}, MACHINE, "")


def test_workers_add_to_one_file_and_a_row_replaces_the_one_of_its_case(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SWITCH, str(tmp_path / "results"))
    add("hosts", [Row("a × b", "what", "failed"), Row("a × c", "what", "held")], {"seconds": 3})
    add("hosts", [Row("a × b", "what", "held")])
    found = read(tmp_path / "results")["hosts"]
    assert found.rows == [Row("a × b", "what", "held"), Row("a × c", "what", "held")]
    assert found.figures == {"seconds": 3}


def test_nothing_is_kept_where_no_run_asks_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(SWITCH, raising=False)
    add("hosts", [Row("a × b", "what", "failed")])


def test_a_result_that_is_no_result_is_refused(tmp_path: Path) -> None:
    document = {"part": "hosts", "rows": [{"case": "a", "result": "fine"}]}
    (tmp_path / "hosts.json").write_text(json.dumps(document))
    with pytest.raises(ValueError, match="'fine' is unknown"):
        read(tmp_path)


def test_each_chapter_says_how_to_repeat_it_by_a_target_that_exists_once_it_has_a_result() -> None:
    root = Path(__file__).parents[1]
    shown = root / "docs/reliability.md"
    text = shown.read_text() if shown.exists() else ""
    targets = re.findall(r"^([a-z0-9]+):", (root / "Makefile").read_text(), re.M)
    for chapter in CHAPTERS:
        if f"## {chapter.title}\n" in text:
            assert chapter.repeat.split()[1] in targets, chapter.repeat
