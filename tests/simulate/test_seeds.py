"""300 seeds, in batches that workers share. Each runs in a process of its own: the order of sets is
part of a history, and only a new Python can be told what it is to be."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SEEDS, BATCHES = 300, 12
ROOT = Path(__file__).parents[2]


def simulate(*options: str) -> tuple[int, str]:
    """The exit code and all that was printed."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulate", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_seed_holds(batch: int) -> None:
    count = SEEDS // BATCHES
    code, output = simulate("--seeds", str(count), "--from", str(batch * count))
    assert code == 0, output


def test_one_seed_is_one_history() -> None:
    first, second = simulate("--seed", "4"), simulate("--seed", "4")
    assert first == second
    assert "history " in first[1]
