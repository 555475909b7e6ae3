"""`python -m e2e.soak --hours 2`: docs/soak.md and its picture, and exit code 1 where one rises."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from e2e.reliability.results import ROOT
from e2e.soak.report import record, write
from e2e.soak.soak import soak

_SAMPLES = 600
"""Of a run, however long it is."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m e2e.soak", description=__doc__)
    parser.add_argument("--hours", type=float, default=2.0)
    parser.add_argument("--into", type=Path, default=ROOT / "docs")
    given = parser.parse_args()
    os.nice(19)  # so that what it shares the machine with is not disturbed
    seconds = given.hours * 3600
    with tempfile.TemporaryDirectory(prefix="recon-soak-", dir="/tmp") as home:
        result = soak(Path(home), seconds, max(0.25, seconds / _SAMPLES), say=_say)
    write(result, given.into)
    record(result)
    for line in [*(f"{name} rises" for name in result.rising), *result.faults]:
        _say(line)
    return 1 if result.rising or result.faults else 0


def _say(text: str) -> None:
    print(time.strftime("%H:%M:%S"), text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
