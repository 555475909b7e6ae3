"""Tries seeds on each planted fault until one finds it; tells which seed and which oracle did."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from tests.simulate.planted import PLANTED, ROOT, VARIABLE
from tests.simulate.results import write

_FOUND = re.compile(r"--seed (\d+)  # (.*)")


class Found(NamedTuple):
    """What became of one planted fault."""

    name: str
    seed: int | None
    oracle: str
    detail: str

    def __str__(self) -> str:
        where = "not found" if self.seed is None else f"seed {self.seed:4}, {self.oracle}"
        return f"{self.name:<20} {where}"


def main(seeds: int, at_once: int = 2) -> int:
    """All of them; 1 where one was not found."""
    with ThreadPoolExecutor(at_once) as pool:
        every = [*pool.map(lambda name: _show(find(name, seeds)), PLANTED)]
    missed = [one for one in every if one.seed is None]
    rows = [
        {
            "case": one.name,
            "what": PLANTED[one.name].what,
            "result": "failed" if one.seed is None else "found",
            "detail": "" if one.seed is None else f"seed {one.seed}, by {one.oracle}",
        }
        for one in every
    ]
    write("planted", {"planted": len(every), "found": len(every) - len(missed)}, rows)
    print(f"{len(every)} planted, {len(missed)} not found")
    return bool(missed)


def find(name: str, seeds: int) -> Found:
    """The first seed in which an oracle does not hold, and holds without the fault."""
    first = 0
    while True:
        counts = ("--from", str(first), "--seeds", str(seeds - first))
        done = _simulate(name, *counts, "--first")
        found = _FOUND.search(done.stdout)
        if found is None:
            return Found(name, None, "", done.stdout[-300:])
        number = int(found[1])
        if _simulate("", "--seed", str(number)).returncode == 0:
            oracle, _, detail = found[2].partition(": ")
            return Found(name, number, oracle, detail)
        first = number + 1


def _simulate(planted: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.simulate", *options],
        cwd=ROOT,
        env={**os.environ, VARIABLE: planted, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _show(found: Found) -> Found:
    print(found, flush=True)
    return found
