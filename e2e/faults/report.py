"""What a run has shown: of each effect, at how many of its calls a controller was killed."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from e2e.faults import places
from e2e.faults.points import rows
from e2e.faults.world import Result

RESULTS = "RECON_RESULTS"
"""The folder that results are written to, for docs/reliability.md."""


def figures(results: Sequence[Result]) -> dict[str, float]:
    """The sums."""
    table = rows(one.points for one in results)
    sums = Counter[str]()
    for one in results:
        sums.update(
            crashes=one.crashes,
            ended_from_outside=one.outside,
            came_to_rest=one.rests,
            program_starts=one.starts,
            requests_answered=one.requests,
            lines=one.lines,
            ends_unread=one.cut,
        )
    return {
        **sums,
        "places": len(table),
        "places_hit_before": sum(bool(before) for _, before, _ in table.values()),
        "places_hit_after": sum(bool(after) for _, _, after in table.values()),
        "slowest_takeover_seconds": round(max(one.slowest for one in results), 2),
    }


def line(result: Result) -> str:
    """One world."""
    ends = f"{result.crashes} crashes, {result.outside} from outside"
    work = f"{result.starts} starts, {result.lines} lines, {result.requests} requests"
    return f"held: {ends}; {work}; slowest takeover {result.slowest:.2f} s"


def text(results: Sequence[Result], seconds: float) -> str:
    """All of them, with the places that no crash has hit."""
    table = rows(one.points for one in results)
    lines = [
        f"{place}: met in {met} lives" for place, (met, *ends) in table.items() if not any(ends)
    ]
    sums = ", ".join(f"{name} {value}" for name, value in figures(results).items())
    named = "\n  ".join(["no crash at these places:", *lines]) if lines else "no place without one"
    other = [f"{one.file}:{one.first} {one.name}" for one in places.unmet(table)]
    unmet = "\n  ".join(["not met in this run:", *other]) if other else "every place was met"
    return f"{sums}; {seconds:.0f} s\n{named}\n{unmet}"


def write(results: Sequence[Result]) -> None:
    """Into the folder of the results, if there is one."""
    folder = os.environ.get(RESULTS)
    if not folder:
        return
    table = rows(one.points for one in results)
    found: dict[str, Any] = {
        "part": "faults",
        "figures": figures(results),
        "rows": [
            {
                "case": place,
                "what": "SIGKILL of the controller before and after this effect",
                "result": "held" if before or after else "skipped",
                "detail": f"{before} crashes before it, {after} after it, met in {met} lives",
            }
            for place, (met, before, after) in table.items()
        ],
    }
    Path(folder).mkdir(parents=True, exist_ok=True)
    Path(folder, "faults.json").write_text(json.dumps(found, indent=1))
