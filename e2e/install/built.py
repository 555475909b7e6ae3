"""The sdist and the wheel of this tree, built from a copy, and an environment of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]


class Built(NamedTuple):
    """What `make wheel` leaves in dist/."""

    sdist: Path
    wheel: Path


def python(*words: str | Path, of: Path = Path(sys.executable), where: Path) -> str:
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


def copy_of_tree(to: Path) -> Path:
    """A copy: a build writes into its folder, and other tests read that."""
    left_out = shutil.ignore_patterns(".*", "*.egg-info", "build", "dist", "__pycache__", "tests")
    shutil.copytree(ROOT, to, ignore=left_out)
    return to


def build(folder: Path) -> Built:
    """Build both as `make wheel` does. Skips where no package index answers."""
    index = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), "build"]
    if subprocess.run(index, capture_output=True, check=False, cwd=folder).returncode != 0:
        pytest.skip("SKIPPED: no wheel is built: pip reaches no package index")
    tree = copy_of_tree(folder / "tree")
    python("build", "--outdir", folder / "dist", tree, where=folder)
    (wheel,) = (folder / "dist").glob("*.whl")
    (sdist,) = (folder / "dist").glob("*.tar.gz")
    return Built(sdist, wheel)


def install(wheel: Path, home: Path, of: Path = Path(sys.executable)) -> Path:
    """Install the wheel alone in an empty environment; the program."""
    python("venv", home, of=of, where=home.parent)
    python("pip", "install", "--quiet", wheel, of=home / "bin/python", where=home.parent)
    return home / "bin/recon"
