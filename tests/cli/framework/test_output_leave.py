"""The end of a process: its exit code, with all output written, whatever was loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.cli.conftest import ROOT


@pytest.mark.parametrize("loaded", ["json", "threading"])
def test_all_output_is_written_and_the_code_is_the_one_given(loaded: str) -> None:
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        f"import {loaded}\n"
        "from reconciler.cli.framework import output\n"
        "output.prepare()\n"
        "print('x' * 100_000)\n"
        "print('last', file=sys.stderr, end='')\n"
        "output.leave(7)\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 7
    assert (len(done.stdout), done.stderr) == (100_001, "last")


def test_what_a_library_does_at_the_end_is_done() -> None:
    code = (
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "import atexit, threading\n"
        "atexit.register(print, 'done')\n"
        "from reconciler.cli.framework import output\n"
        "output.leave(0)\n"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout == "done\n"
