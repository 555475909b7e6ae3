"""The end-to-end tests, with a second look at what failed: ``python -m e2e.flaky PYTEST-WORDS``.

Real processes are late on a machine that others use. So up to ten tests that failed are run once
more, one at a time. One that passes then is *flaky*: it has a race that is to be found. At most two
are tolerated in a run, and each is named; a test that fails twice is broken.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

_TOLERATED = 2
_MOST = 10
"""Where more have failed, no second look is worth its time."""
_FAILED = 1
"""pytest's exit code where tests failed."""


def main(arguments: Sequence[str]) -> int:
    """Run pytest, and again what failed; the exit code."""
    code, failed = _pytest(arguments)
    if code != _FAILED or not failed:
        return code
    if len(failed) > _MOST:
        print(f"{len(failed)} tests failed: too many to run them again")
        return code
    print(f"once more, one at a time: {len(failed)} failed", flush=True)
    again, broken = _pytest(["-rs", *sorted(failed)])
    code, message = verdict(failed, broken if again in (0, _FAILED) else failed)
    print(message)
    return code


def verdict(first: set[str], second: set[str]) -> tuple[int, str]:
    """Exit code and summary, of the tests that failed in the first run and in the second."""
    broken, flaky = sorted(first & second), sorted(first - second)
    lines = [f"{len(flaky)} flaky{': failed once, passed alone' if flaky else ''}"]
    lines += [f"  {name}" for name in flaky]
    if broken:
        lines += [f"{len(broken)} broken: failed twice", *(f"  {name}" for name in broken)]
    if len(flaky) > _TOLERATED:
        lines.append(f"more than {_TOLERATED} flaky tests fail the run: find their races")
    return int(bool(broken) or len(flaky) > _TOLERATED), "\n".join(lines)


def _pytest(words: Sequence[str]) -> tuple[int, set[str]]:
    """Run it; its exit code, and the tests that failed."""
    with tempfile.TemporaryDirectory(prefix="recon-flaky-") as cache:
        command = [sys.executable, "-m", "pytest", "-o", f"cache_dir={cache}", *words]
        code = subprocess.run(command, check=False).returncode
        try:
            failed = json.loads(Path(cache, "v/cache/lastfailed").read_text())
        except FileNotFoundError:
            failed = {}
    return code, {_plain(name) for name in failed}


def _plain(name: str) -> str:
    """The name of a test without its group, which xdist hangs on: ``test_x.py::test@group``."""
    test, at, group = name.rpartition("@")
    return test if at and "]" not in group else name


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
