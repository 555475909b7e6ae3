"""``python -m tests.simulate --seeds N [--from S]``, or ``--seed S`` to see what happens in one."""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections import Counter
from pathlib import Path

from tests.simulate import planted_run
from tests.simulate.results import write
from tests.simulate.run import Blocked
from tests.simulate.seed import Verdict, shrunk, try_seed
from tests.simulate.sometimes import SITUATIONS, reached

_ENOUGH = 1000
"""Seeds in which each situation comes to be."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulate", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, metavar="N")
    parser.add_argument("--from", type=int, default=0, dest="first", metavar="S")
    parser.add_argument("--seed", type=int, metavar="S", help="one seed, with all that happens")
    parser.add_argument("--counts", metavar="FILE", help="write how often what was reached")
    parser.add_argument("--first", action="store_true", dest="stop", help="end at the first one")
    parser.add_argument("--planted", action="store_true", help="find faults planted in recon")
    options = parser.parse_args()
    if options.seed is not None:
        verdict = try_seed(options.seed)
        show(verdict)
        return bool(verdict.findings)
    if options.planted:
        return planted_run.main(options.seeds)
    failed, counts = 0, Counter[str]()
    for number in range(options.first, options.first + options.seeds):
        try:
            verdict = try_seed(number)
        except Blocked as error:
            failed += 1
            print(f"{replay(number)}  # loop_goes_on: {error}", flush=True)
            if options.stop:
                return 1
            continue
        except Exception:
            traceback.print_exc()
            failed += 1
            print(f"{replay(number)}  # the simulation itself failed", flush=True)
            if options.stop:
                return 1
            continue
        counts.update(reached(verdict.outcome))
        if verdict.findings:
            failed += 1
            print(f"{replay(number)}  # {verdict.findings[0]}", flush=True)
            if options.stop:
                return 1
    for words in SITUATIONS:
        print(f"{counts[words]:6} runs: {words}")
    never = [words for words in SITUATIONS if not counts[words]]
    if options.counts:
        Path(options.counts).write_text(json.dumps(counts), encoding="utf-8")
    print(f"{options.seeds} seeds, {failed} failed, {len(never)} situations never reached")
    if not options.counts:  # else it is a part of a run
        reached_count = len(SITUATIONS) - len(never)
        figures = {"seeds": options.seeds, "failed": failed, "situations": reached_count}
        write("simulate", figures, [_row(words, counts[words]) for words in SITUATIONS])
    return bool(failed or (never and options.seeds >= _ENOUGH))


def _row(words: str, count: int) -> dict[str, str]:
    result = "held" if count else "skipped"
    return {"case": words, "what": words, "result": result, "detail": f"in {count} runs"}


def replay(number: int) -> str:
    return f"python -m tests.simulate --seed {number}"


def show(verdict: Verdict) -> None:
    """The history, readable, and what does not hold."""
    for fault in verdict.outcome.faults:
        print(f"fault: {fault}")
    for entry in verdict.outcome.history.entries:
        print(entry)
    print(f"undisturbed, in the end: {verdict.calm.running} {verdict.calm.standing}")
    print(f"disturbed, in the end:   {verdict.outcome.running} {verdict.outcome.standing}")
    for finding in verdict.findings:
        print(finding)
    for fault in shrunk(verdict) if verdict.findings else ():
        print(f"it takes: {fault}")
    print(f"history {verdict.outcome.history.digest()}")


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # the order of sets is part of a history
        os.environ["PYTHONHASHSEED"] = "0"
        os.execv(sys.executable, [sys.executable, "-m", "tests.simulate", *sys.argv[1:]])
    sys.exit(main())
