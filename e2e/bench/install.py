"""recon as its user has it: installed by pip, its code compiled.

What runs the benchmark is as a rule installed for developing: each start then looks through an
import hook, and may compile. That would be measured instead of recon.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

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
