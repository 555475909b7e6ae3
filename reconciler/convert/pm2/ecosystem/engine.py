"""What can evaluate JavaScript here: Node with its permission model, or quickjs-ng.

Node before 20 knows no permissions, so it is not used: a config is a program of another author,
which could delete what its user may delete.
"""

from __future__ import annotations

import functools
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_HERE = Path(__file__).parent
_VERSION = re.compile(r"v(\d+)\.(\d+)\.")
_HEAP_MIB = 256


@dataclass(frozen=True, slots=True)
class Engine:
    """``argv`` is the command line up to the config's own part; empty for quickjs."""

    name: str
    argv: tuple[str, ...] = ()


def engine(path: str | None, folders: Sequence[str]) -> Engine:
    """The engine, told to read below ``folders`` only. LookupError where there is none.

    ``path`` is the PATH to look for Node in.
    """
    found, version = _node(path)
    if version >= (20, 0):
        return Engine("node", (found, *_flags(version, folders)))
    if importlib.util.find_spec("quickjs") is not None:
        return Engine("quickjs")
    have = f"Node {version[0]} here cannot restrict it" if found else "there is no Node here"
    raise LookupError(
        f"a JavaScript config is a program, and {have}: install Node 20 or newer, or"
        " pip install 'recon-reconciler[import]'"
    )


def _flags(version: tuple[int, int], folders: Sequence[str]) -> list[str]:
    """Node's options by its version (nodejs.org/api: Permissions; Modules: syntax detection)."""
    final = version >= (23, 5) or (22, 13) <= version < (23, 0)
    flags = ["--permission" if final else "--experimental-permission"]
    flags += [f"--allow-fs-read={os.path.join(folder, '*')}" for folder in folders]
    flags += ["--no-warnings", "--no-addons", f"--max-old-space-size={_HEAP_MIB}"]
    if (20, 10) <= version < (20, 19) or (21, 1) <= version < (22, 7):
        flags.append("--experimental-detect-module")
    code = (_HERE / "evaluate.mjs").read_text(encoding="utf-8")
    return [*flags, "--input-type=module", "--eval", code]


@functools.cache
def _node(path: str | None) -> tuple[str, tuple[int, int]]:
    """Node's path and version; ``("", (0, 0))`` where there is none."""
    import shutil  # noqa: PLC0415

    found = shutil.which("node", path=path)
    if found is None:
        return "", (0, 0)
    done = subprocess.run(
        [found, "--version"], capture_output=True, text=True, check=False, timeout=30
    )
    match = _VERSION.match(done.stdout)
    return os.path.realpath(found), (int(match[1]), int(match[2])) if match else (0, 0)


def sandbox() -> list[str]:
    """The command line of ``sandbox``, to be followed by what it is asked."""
    return [sys.executable, "-I", str(_HERE / "sandbox.py")]
