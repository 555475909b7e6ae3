"""`make cover` adds up packages, and names the files that are tested too little."""

from __future__ import annotations

from typing import Any

from tests import covered
from tests.covered import Covered


def _file(lines: int, run: int, branches: int, taken: int) -> dict[str, Any]:
    summary = {"num_statements": lines, "covered_lines": run}
    return {"summary": {**summary, "num_branches": branches, "covered_branches": taken}}


FILES = covered.read(
    {
        "files": {
            "reconciler/__init__.py": _file(1, 1, 0, 0),
            "reconciler/diff/plan.py": _file(90, 90, 10, 10),
            "reconciler/diff/jobs/runs.py": _file(10, 5, 10, 9),
            "reconciler/cli/verbs/observe/top.py": _file(10, 0, 2, 0),
        }
    }
)


def test_a_package_is_the_sum_of_its_files() -> None:
    rows = covered.table(FILES).splitlines()[2:]
    assert rows == [
        "| `cli` | 10 | 0 % | 0 % |",
        "| `diff` | 100 | 95 % | 95 % |",
        "| all | 111 | 86 % | 86 % |",
    ]


def test_what_decides_has_a_bar_for_each_file() -> None:
    assert covered.below(FILES) == ["diff/jobs/runs.py: 50 % of 10 lines, 90 % of 10 branches"]


def test_nothing_to_run_is_wholly_covered() -> None:
    assert (Covered().of_lines, Covered().of_branches) == (100, 100)


def test_the_page_keeps_all_but_its_table() -> None:
    page = covered.PAGE.read_text()
    once = covered.written(page, FILES)
    assert "| `diff` | 100 | 95 % | 95 % |" in once
    assert covered.written(once, FILES) == once
    assert page.partition("<!-- make cover -->")[0] == once.partition("<!-- make cover -->")[0]
    assert page.partition("<!-- end -->")[2] == once.partition("<!-- end -->")[2]
