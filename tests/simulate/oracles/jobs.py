"""A Job with ``backoffLimit: 0`` runs at most once, and another as often as it may be tried."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from tests.simulate.lives import Life, away, lives
from tests.simulate.run import Outcome

_KEPT = 0.2
"""Seconds in which an end that was seen is written down."""


def no_job_twice(calm: Outcome, outcome: Outcome) -> Iterator[str]:
    scenario, gone = outcome.scenario, [*away(outcome.history)]
    by_revision: dict[tuple[str, str], list[Life]] = defaultdict(list)
    for life in lives(outcome.history):
        wish = scenario.meant[life.app][0].wish if life.app in scenario.meant else None
        if wish is not None and wish.kind in ("once", "retried"):
            by_revision[life.app, life.version].append(life)
    for (app, version), runs in by_revision.items():
        wish = scenario.meant[app][0].wish
        assert wish is not None
        stopped = sum(1 for life in runs if life.signals)
        most = 1 + int(dict(wish.fields)["backoffLimit"]) + stopped
        if len(runs) > most and not _was_unsure(outcome, app):
            yield f"{app} {version}: {len(runs)} runs, at most {most}"
        for first, second in pairwise(runs):
            if first.is_alive(second.began):
                yield f"{app} {version}: two runs at once at {second.began:.3f} s"
            seen = not any(a - _KEPT <= first.ended <= b for a, b in gone)
            if seen and first.how == "exit 0" and not first.signals and not _journal_fails(outcome):
                yield f"{app} {version}: run again at {second.began:.3f} s, after a success"


def _was_unsure(outcome: Outcome, app: str) -> bool:
    """Whether its file was empty or half written, so that it may have been declared twice."""
    return any(one.wish is None for one in outcome.scenario.meant[app])


def _journal_fails(outcome: Outcome) -> bool:
    return any(fault.what in ("trouble", "refuse", "slow") for fault in outcome.faults)
