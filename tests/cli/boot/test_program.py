"""How recon is called by a unit or a manifest that it writes."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from reconciler.cli.boot import program
from reconciler.cli.boot.program import PACKAGED


def test_it_is_the_program_beside_the_python_that_runs_now() -> None:
    assert program.program() == [str(Path(sys.executable).with_name("recon"))]


def test_of_the_debian_package_it_is_the_path_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "prefix", PACKAGED)
    monkeypatch.setattr(os, "access", lambda path, _mode: path == "/usr/bin/recon")
    assert program.program() == ["/usr/bin/recon"]
