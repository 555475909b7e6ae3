"""What `make wheel` builds is whole: installed alone, it runs the sample manifests."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from e2e.harness import Recon
from reconciler import __version__
from tests.waiting import until

ROOT = Path(__file__).parents[1]


def _python(*words: str | Path, of: Path = Path(sys.executable), where: Path) -> str:
    """Run a module of an interpreter, away from this repository's folder; its output."""
    done = subprocess.run(
        [of, "-m", *words],
        cwd=where,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this tree. Skips where no package index answers."""
    folder = tmp_path_factory.mktemp("wheel")
    index = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), "build"]
    if subprocess.run(index, capture_output=True, check=False, cwd=folder).returncode != 0:
        pytest.skip("SKIPPED: no wheel is built: pip reaches no package index")
    # From a copy: a build writes into its folder, and other tests read that.
    tree = folder / "tree"
    left_out = shutil.ignore_patterns(".*", "*.egg-info", "build", "dist", "__pycache__", "tests")
    shutil.copytree(ROOT, tree, ignore=left_out)
    _python("build", "--outdir", folder / "dist", tree, where=folder)
    (made,) = (folder / "dist").glob("*.whl")
    assert len([*(folder / "dist").glob("*.tar.gz")]) == 1
    return made


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
    wheel: Path, recon: Recon, unused_port: int, tmp_path: Path
) -> None:
    home = tmp_path / "venv"
    _python("venv", home, where=tmp_path)
    _python("pip", "install", "--quiet", wheel, of=home / "bin/python", where=tmp_path)
    recon.program = home / "bin/recon"
    assert recon.cli("--version") == f"recon {__version__}\n"

    shutil.copytree(ROOT / "manifests", recon.manifests, dirs_exist_ok=True)
    web = recon.manifests / "web.yaml"
    web.write_text(web.read_text().replace("8080", str(unused_port)))
    assert "3 apps" in recon.cli("validate")

    recon.run()
    recon.healthy("worker", ready=1)
    assert recon.controller is not None
    commands = Path(f"/proc/{recon.controller.pid}/cmdline").read_bytes().decode()
    assert str(home) in commands, "another recon than the wheel's ran"
    recon.cli("down")
    until(lambda: recon.controller is None or recon.controller.poll() is not None, what="it ends")
