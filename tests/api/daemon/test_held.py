"""A controller that is started before it may act: it waits for the word, but not without end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.api.client import Client
from reconciler.api.daemon.held import GO
from reconciler.api.errors import ControllerNotRunningError
from tests.waiting import until


@pytest.fixture
def held(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    (tmp_path / "m").mkdir()
    words = [sys.executable, "-P", "-m", "reconciler.api", "--held"]
    places = ["--manifests", str(tmp_path / "m"), "--state-dir", str(tmp_path / "s")]
    process = subprocess.Popen([*words, *places], stdin=subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdin is not None:
            process.stdin.close()


def answers(state: Path) -> bool:
    try:
        return bool(Client(state / "recon.sock").version())
    except ControllerNotRunningError:
        return False


def test_it_goes_at_the_word_and_writes_to_its_log(
    held: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    (tmp_path / "s").mkdir(mode=0o700)
    assert held.stdin is not None
    held.stdin.write(GO)
    held.stdin.close()
    until(lambda: answers(tmp_path / "s"), what="the controller answers")
    assert "0 apps" in (tmp_path / "s/recon.log").read_text()


def test_it_leaves_without_a_trace_when_who_started_it_is_gone(
    held: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    assert held.stdin is not None
    held.stdin.close()
    assert held.wait(timeout=60) == 0
    assert not (tmp_path / "s").exists()
