"""The page runs `recon doctor` seldom, and does without where that does not work."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from reconciler.ui.dashboard.server import doctor as module
from reconciler.ui.dashboard.server.doctor import Doctor

COUNTING = """
import json, pathlib, sys
file = pathlib.Path(sys.argv[1])
file.write_text(file.read_text() + "x" if file.exists() else "x")
print(json.dumps({"findings": [{"check": "clock"}]}))
sys.exit(1)
"""


def test_it_is_run_once_a_minute_whatever_its_exit_code(tmp_path: Path) -> None:
    doctor = Doctor([sys.executable, "-c", COUNTING, str(tmp_path / "runs")])
    for _ in range(3):
        assert doctor.findings() == [{"check": "clock"}]
    assert (tmp_path / "runs").read_text() == "x"


@pytest.mark.parametrize(
    "command",
    [
        [],
        ["/no/such/program"],
        [sys.executable, "-c", "print('no JSON')"],
        [sys.executable, "-c", "print('[]')"],
        [sys.executable, "-c", "print('{}')"],
    ],
)
def test_without_a_useful_answer_there_are_no_findings(command: list[str]) -> None:
    assert Doctor(command).findings() is None


def test_one_that_does_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.2)
    assert Doctor([sys.executable, "-c", "import signal; signal.pause()"]).findings() is None
