"""A command in a machine or an engine of the test."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path


def run(words: Sequence[str | Path], env: Mapping[str, str], code: int | None) -> str:
    """Both its outputs. Asserts the exit code unless that is None."""
    done = subprocess.run(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
        env=env,
    )
    assert code is None or done.returncode == code, f"exit {done.returncode}:\n{done.stdout}"
    return done.stdout
