"""What `make wheel` builds is whole: installed alone, it runs the sample manifests."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from e2e.harness import Recon
from e2e.install.built import ROOT, build, install
from e2e.install.sample import run_sample
from reconciler import __version__


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("wheel")).wheel


def test_every_file_of_the_package_is_in_the_wheel(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as file:
        inside = set(file.namelist())
        metadata = next(name for name in inside if name.endswith("/METADATA"))
        about = file.read(metadata).decode()
    tracked = subprocess.run(
        ["git", "ls-files", "reconciler"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    assert any(not path.endswith(".py") for path in tracked)
    assert set(tracked) <= inside
    strangers = {name.partition("/")[0] for name in inside} - {"reconciler"}
    assert all(name.endswith(".dist-info") for name in strangers), strangers
    assert f"Version: {__version__}" in about and "License-Expression: MIT" in about


def test_the_wheel_alone_runs_the_sample_manifests(
    wheel: Path, recon: Recon, unused_port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_sample(recon, install(wheel, tmp_path / "venv"), unused_port)
