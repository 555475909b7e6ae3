"""A test that hangs fails after a while, and what it began is ended by its fixtures."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from e2e.harness import alive

ROOT = Path(__file__).parents[1]
HANGS = """
import subprocess, pytest

@pytest.fixture
def program():
    with subprocess.Popen(["sleep", "1000"]) as begun:
        print(f"pid {begun.pid}.", flush=True)
        yield begun
        begun.kill()
        print("ended by its fixture", flush=True)

@pytest.mark.timeout(1)
def test_hangs(program):
    program.wait()

def test_comes_after_it():
    pass
"""


def test_a_test_that_hangs_fails_and_its_fixtures_end_what_it_began(tmp_path: Path) -> None:
    file = tmp_path / "test_hangs.py"
    file.write_text(HANGS)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-s", "-c", ROOT / "pyproject.toml", file],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed, 1 passed" in done.stdout
    assert "Timeout" in done.stdout and "ended by its fixture" in done.stdout
    assert not alive(int(done.stdout.partition("pid ")[2].partition(".")[0]))
