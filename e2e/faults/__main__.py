"""``python -m e2e.faults --crashes 10000``: controllers that are killed, as often as wanted.

A crash that is not survived prints the line that repeats it, and ends the run with exit code 1.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from e2e.faults import report, world
from e2e.faults.world import FaultError, Result

_PIECE = 125
"""Lives of one world: then another begins, with another seed."""


def main(words: list[str] | None = None) -> int:
    """Run as many as asked for; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m e2e.faults", description=__doc__)
    parser.add_argument("--crashes", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    parser.add_argument("--group", help="one world of some that share the points, as 0/4")
    parser.add_argument("--jobs", type=int, default=(os.cpu_count() or 1) + 1)
    given = parser.parse_args(words)
    if given.group:
        group, groups = map(int, given.group.split("/"))
        pieces = [(given.seed, (group, groups), given.crashes)]
    else:
        count = -(-given.crashes // _PIECE)
        share = -(-given.crashes // count)
        groups = min(count, _GROUPS)
        pieces = [(given.seed + n // groups, (n % groups, groups), share) for n in range(count)]
    began = time.monotonic()
    results: list[Result] = []
    context = multiprocessing.get_context("spawn")  # each has threads of its own
    with ProcessPoolExecutor(given.jobs, mp_context=context) as pool:
        pending = [pool.submit(world.run, *piece) for piece in pieces]
        for one in pending:
            try:
                results.append(one.result())
            except FaultError as error:
                print(f"FAILED {error}", flush=True)
                pool.shutdown(cancel_futures=True)
                return 1
            print(report.line(results[-1]), flush=True)
    print(report.text(results, time.monotonic() - began))
    report.write(results)
    return 0


_GROUPS = 4
"""Worlds that share the points of the code among themselves."""


if __name__ == "__main__":
    sys.exit(main())
