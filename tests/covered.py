"""Coverage by package, into `docs/testing.md`: ``python -m tests.covered FILE`` (`make cover`).

FILE is what ``coverage json`` writes. What is below the bar in the packages that decide is printed,
file by file.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/testing.md"
_BAR = 85
_DECIDING = ("desired", "diff", "loop", "state")
_TABLE = re.compile(r"(?<=<!-- make cover -->\n).*?(?=<!-- end -->)", re.S)


@dataclass(frozen=True)
class Covered:
    """Lines and branches: those there are, and those that a test went through."""

    lines: int = 0
    lines_run: int = 0
    branches: int = 0
    branches_run: int = 0

    def __add__(self, other: Covered) -> Covered:
        return Covered(
            self.lines + other.lines,
            self.lines_run + other.lines_run,
            self.branches + other.branches,
            self.branches_run + other.branches_run,
        )

    @property
    def of_lines(self) -> float:
        return 100 * self.lines_run / self.lines if self.lines else 100

    @property
    def of_branches(self) -> float:
        return 100 * self.branches_run / self.branches if self.branches else 100


def read(document: Mapping[str, Any]) -> dict[str, Covered]:
    """By file, relative to the package's folder: ``diff/plan.py``."""
    return {
        name.removeprefix("reconciler/"): Covered(
            one["summary"]["num_statements"],
            one["summary"]["covered_lines"],
            one["summary"]["num_branches"],
            one["summary"]["covered_branches"],
        )
        for name, one in document["files"].items()
    }


def table(files: Mapping[str, Covered]) -> str:
    """A row a package, and one for all."""
    packages: defaultdict[str, Covered] = defaultdict(Covered)
    for name, one in files.items():
        if "/" in name:
            packages[f"`{name.partition('/')[0]}`"] += one
    rows = [*sorted(packages.items()), ("all", sum(files.values(), Covered()))]
    lines = [
        f"| {name} | {c.lines} | {c.of_lines:.0f} % | {c.of_branches:.0f} % |" for name, c in rows
    ]
    head = ["| package | lines | covered | branches covered |", "| --- | --- | --- | --- |"]
    return "\n".join([*head, *lines, ""])


def below(files: Mapping[str, Covered]) -> list[str]:
    """The files of the packages that decide in which too little is tested."""
    return [
        f"{name}: {c.of_lines:.0f} % of {c.lines} lines,"
        f" {c.of_branches:.0f} % of {c.branches} branches"
        for name, c in sorted(files.items())
        if name.startswith(tuple(f"{package}/" for package in _DECIDING))
        and min(c.of_lines, c.of_branches) < _BAR
    ]


def written(page: str, files: Mapping[str, Covered]) -> str:
    """The page with the table of today."""
    text, count = _TABLE.subn(lambda _: table(files), page)
    assert count == 1, "the page has one place for the table"
    return text


if __name__ == "__main__":
    found = read(json.loads(Path(sys.argv[1]).read_text()))
    PAGE.write_text(written(PAGE.read_text(), found))
    print(table(found))
    print(f"below {_BAR} % of lines or branches:", *below(found), sep="\n  ")
