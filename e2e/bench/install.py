"""recon as its user has it: installed by pip, its code compiled.

What runs the benchmark is as a rule installed for developing: each start then looks through an
import hook, and may compile. That would be measured instead of recon.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from e2e.bench.machine import installed
from e2e.bench.peers import npm_pm2
from e2e.bench.peers.pm2 import Pm2
from e2e.bench.peers.supervisord import Supervisord

_ROOT = Path(__file__).parents[2]
_PARTS = ("pyproject.toml", "LICENSE", "README.md", "reconciler")


def install(home: Path) -> Path:
    """The path of ``recon`` in an environment of its own. RuntimeError where pip fails."""
    source, env = home / "source", home / "venv"
    source.mkdir()
    for part in filter(Path.exists, (_ROOT / name for name in _PARTS)):
        copy = shutil.copytree if part.is_dir() else shutil.copy
        copy(part, source / part.name)
    if not (source / "README.md").exists():
        (source / "README.md").write_text("")
    subprocess.run([sys.executable, "-m", "venv", env], check=True)
    pip = [str(env / "bin/python"), "-m", "pip", "install", "--quiet", "--compile"]
    pip += ["--disable-pip-version-check", str(source)]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"recon could not be installed for the benchmark:\n{done.stderr}")
    return env / "bin/recon"


@contextmanager
def peers(home: Path) -> Iterator[None]:
    """What npm and pip can get of the peers, each in a folder of its own at the PATH's end.

    Not from the environment that runs this: one for developing makes each start of Python slower.
    """
    before = os.environ["PATH"]
    folders = [before]
    if not installed(*Pm2.needs) and (pm2 := npm_pm2.program(home)):
        folders.append(str(Path(pm2).parent))
    if not installed(*Supervisord.needs):
        env = home / "supervisor"
        subprocess.run([sys.executable, "-m", "venv", env], check=True)
        pip = [str(env / "bin/python"), "-m", "pip", "install", "--quiet", "--compile"]
        pip += ["--disable-pip-version-check", "supervisor>=4.2.5"]
        if subprocess.run(pip, capture_output=True, check=False).returncode == 0:
            folders.append(str(env / "bin"))
    os.environ["PATH"] = os.pathsep.join(folders)
    try:
        yield
    finally:
        os.environ["PATH"] = before
