"""300 seeds, in batches that workers share. Each runs in a process of its own: the order of sets is
part of a history, and only a new Python can be told what it is to be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from tests.simulate.sometimes import RARE, SITUATIONS

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


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that all workers of this session have in common."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "simulated"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize("batch", range(BATCHES))
def test_every_seed_holds(batch: int, shared: Path) -> None:
    """And of all of them together: each situation was reached that 300 seeds reach."""
    count = SEEDS // BATCHES
    counts = shared / f"{batch}.json"
    code, output = simulate(
        "--seeds", str(count), "--from", str(batch * count), "--counts", f"{counts}.part"
    )
    assert code == 0, output
    Path(f"{counts}.part").rename(counts)
    batches = [*shared.glob("*.json")]
    if len(batches) == BATCHES:  # this was the last one
        total: Counter[str] = Counter()
        for one in batches:
            total.update(json.loads(one.read_text("utf-8")))
        assert not {*SITUATIONS} - RARE - total.keys(), "never reached"


def test_one_seed_is_one_history() -> None:
    first, second = simulate("--seed", "4"), simulate("--seed", "4")
    assert first == second
    assert "history " in first[1]
