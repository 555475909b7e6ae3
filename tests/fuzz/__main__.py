"""`python -m tests.fuzz --seconds 600 [TARGET…]`: each target so long; what it finds is kept."""

from __future__ import annotations

import argparse
import sys

from e2e.reliability.results import Row, add
from tests.fuzz import corpora, engine
from tests.fuzz.targets import NAMES

_MOST = 40
"""Inputs of a run that are kept, the smallest: the corpora stay small."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("targets", nargs="*", choices=[*NAMES, []], metavar="TARGET")
    given = parser.parse_args()
    if why := engine.lacking():
        print(why, file=sys.stderr)
        return 1
    failed = 0
    for name in given.targets or NAMES:
        found = engine.run(name, given.seconds, keep=True)
        if found.failure is not None:
            failed += 1
            corpora.keep(name, [found.failure])
            print(f"{name}: FAILED at {found.failure!r}, which is kept\n{found.output[-4000:]}")
        else:
            corpora.keep(name, sorted(found.kept, key=len)[:_MOST])
            print(f"{name}: {found.inputs:,} inputs", flush=True)
        record(found, given.seconds)
    return 1 if failed else 0


def record(found: engine.Run, seconds: float) -> None:
    """The result for `docs/reliability.md`."""
    what = (corpora.module(found.target).__doc__ or "").partition("\n\n")[0].replace("\n", " ")
    detail = f"{found.inputs:,} inputs in {seconds:.0f} s"
    result = "held" if found.failure is None else "failed"
    add("fuzz", [Row(found.target, what, result, detail)])


if __name__ == "__main__":
    sys.exit(main())
