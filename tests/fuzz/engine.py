"""A run of one target for some time: how many inputs, and the one that recon failed at."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.fuzz import corpora

ROOT = Path(__file__).parents[2]
_LONGEST = 4096
"""Bytes of an input."""
_MEMORY = 2048
"""MiB that a target may take: no input of that length needs more than a few."""
_PROGRAM = """\
#!/bin/sh
# libFuzzer chooses by addresses: where the machine lets us, they are the same in each run.
setarch -R true 2>/dev/null && exec setarch -R {child} "$@"
exec {child} "$@"
"""


class Run(NamedTuple):
    """What came of one."""

    target: str
    inputs: int
    failure: bytes | None
    """The input that recon failed at."""
    output: str
    """The traceback, where there is one."""
    kept: list[bytes]
    """Inputs that reached code which no seed and no kept input reaches, as few as do."""


def lacking() -> str:
    """Why no run is possible; empty where one is."""
    if importlib.util.find_spec("atheris") is None:
        return f"atheris has no wheel for Python {sys.version_info[0]}.{sys.version_info[1]}"
    return ""


def run(name: str, seconds: float, *, seed: int = 0, inputs: int = -1, keep: bool = False) -> Run:
    """One target for ``seconds``, or so many ``inputs``; with a ``seed`` that is not 0, by nearly
    the same inputs each time."""
    with tempfile.TemporaryDirectory(prefix="recon-fuzz-") as home:
        folders = [Path(home, part) for part in ("old", "new", "found", "merged")]
        for folder in folders:
            folder.mkdir()
        old, new, found, merged = folders
        program = Path(home, "program")
        child = f"{sys.executable} -m tests.fuzz.child {name} {program}"
        program.write_text(_PROGRAM.format(child=child))
        program.chmod(0o755)
        for number, data in enumerate(corpora.inputs(name)):
            (old / str(number)).write_bytes(data)
        flags = [
            f"-max_total_time={max(1, round(seconds))}",
            f"-runs={inputs}",
            "-reload=0",
            f"-seed={seed}",
            f"-max_len={_LONGEST}",
            f"-rss_limit_mb={_MEMORY}",
            "-timeout=30",
            f"-artifact_prefix={found}/",
            "-print_final_stats=1",
            str(new),
            str(old),
        ]
        done = _child(program, flags, seconds + 120)
        failures = [path.read_bytes() for path in sorted(found.iterdir())]
        kept = []
        if keep and not failures:
            merge = ["-merge=1", f"-max_len={_LONGEST}", str(merged), str(old), str(new)]
            _child(program, merge, 600)
            known = {*corpora.inputs(name)}
            kept = [d for p in merged.iterdir() if (d := p.read_bytes()) not in known]
        count = re.search(r"number_of_executed_units:\s*(\d+)", done)
        assert failures or count, f"{name} did not run:\n{done[-3000:]}"
        return Run(
            name, int(count[1]) if count else 0, failures[0] if failures else None, done, kept
        )


def _child(program: Path, flags: list[str], seconds: float) -> str:
    done = subprocess.run(
        [program, *flags],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": "0"},
        capture_output=True,
        timeout=seconds,
        check=False,
    )
    return (done.stdout + done.stderr).decode(errors="replace")
