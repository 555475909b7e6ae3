"""An earlier release, out of the repository's history, to run beside this one."""

from __future__ import annotations

import io
import subprocess
import sys
import tarfile
from pathlib import Path

from e2e.harness import PROGRAM, Recon

COMMITS = {"0.1.0": "eab32abf2733"}
"""By release, the last commit of its day: the first ones have no tag."""
_ROOT = Path(__file__).parents[1]


def lacking(release: str) -> str:
    """Why the release is not at hand; empty where it is."""
    known = _git("cat-file", "-e", f"{COMMITS[release]}^{{commit}}")
    return "" if known.returncode == 0 else f"the history of this clone does not reach {release}"


def unpack(release: str, home: Path) -> Path:
    """The package of the release, in a folder of its own."""
    archive = _git("archive", COMMITS[release], "reconciler")
    archive.check_returncode()
    folder = home / f"recon-{release}"
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(folder, filter="data")
    program = folder / "recon"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -P -m reconciler "$@"\n')
    program.chmod(0o755)
    return folder


def use(recon: Recon, folder: Path | None) -> None:
    """Have the next controller and verbs be those of the release; None: of this tree."""
    recon.program = folder / "recon" if folder is not None else PROGRAM
    recon.environment.pop("PYTHONPATH", None)
    if folder is not None:
        recon.environment["PYTHONPATH"] = str(folder)


def _git(*words: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(["git", *words], cwd=_ROOT, capture_output=True, check=False)
