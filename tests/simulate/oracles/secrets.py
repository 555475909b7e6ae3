"""The value of a secret is in the program's environment, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator

from tests.simulate.run import Outcome


def no_secret_outside(calm: Outcome, outcome: Outcome) -> Iterator[str]:
    for run in (calm, outcome):
        yield from (f"the secret is in {place}" for place in run.leaks)
