"""The Pythons of this machine that recon promises to run on."""

from __future__ import annotations

import os
import re
import subprocess
import tomllib
from pathlib import Path

from e2e.install.built import ROOT

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PROMISED = [
    found[1] for name in _PROJECT["classifiers"] if (found := re.search(r":: (3\.\d+)$", name))
]


def find(version: str) -> Path | None:
    """An interpreter of that version, with venv: by PATH, of pyenv, or that uv has installed."""
    home = Path.home()
    places = [Path(folder, f"python{version}") for folder in os.get_exec_path()]
    places += sorted((home / ".pyenv/versions").glob(f"{version}.*/bin/python"))
    places += sorted((home / ".local/share/uv/python").glob(f"cpython-{version}.*/bin/python"))
    return next((place for place in places if _is(place, version)), None)


def _is(place: Path, version: str) -> bool:
    """A shim of pyenv exists for a version that is not chosen, too: it is asked."""
    code = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2])"
    try:
        done = subprocess.run([place, "-c", code], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return done.returncode == 0 and done.stdout.strip() == version
