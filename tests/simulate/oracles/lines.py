"""Each line that a program wrote is in its log, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tests.simulate.lives import lives
from tests.simulate.run import Outcome

_LINE = len("line 1 of 000000000001\n")
"""Bytes of the shortest line."""


def every_line_once(calm: Outcome, outcome: Outcome) -> Iterator[str]:
    apps = {life.nonce: life.app for life in lives(outcome.history)}
    for nonce, count in outcome.written.items():
        logged, app = outcome.logged.get(nonce, Counter()), apps.get(nonce, "")
        doubled = [number for number, times in logged.items() if times > 1]
        if doubled:
            yield f"{app} {nonce}: lines {doubled} are in the log twice"
        strange = [number for number in logged if number > count + 1]
        if strange:
            yield f"{app} {nonce}: lines {strange} were never written"
        lost = {*range(1, count + 1)} - logged.keys()
        tail = -(-outcome.unheard.get(nonce, 0) // _LINE)
        if lost - {*range(count - tail + 1, count + 1)} and not _may_lose(outcome, app):
            yield f"{app} {nonce}: lines {sorted(lost)} of {count} are lost"


def _may_lose(outcome: Outcome, app: str) -> bool:
    """Output that no disk took is counted in the log; logs of old runs are removed."""
    wish = outcome.scenario.meant[app][0].wish if app in outcome.scenario.meant else None
    return outcome.dropped or wish is None or wish.is_job
