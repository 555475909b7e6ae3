"""One seed: its scenario undisturbed, then with faults, and what does not hold."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.simulate.faults import Fault, faults
from tests.simulate.oracles import ORACLES
from tests.simulate.run import Outcome, run
from tests.simulate.scenario import scenario


class Finding(NamedTuple):
    """Something that does not hold."""

    oracle: str
    what: str

    def __str__(self) -> str:
        return f"{self.oracle}: {self.what}"


@dataclass
class Verdict:
    """What became of one seed."""

    seed: int
    calm: Outcome
    outcome: Outcome
    findings: list[Finding]


def try_seed(number: int, folder: Path | None = None) -> Verdict:
    """Run it; the folder is made and removed."""
    folder = folder or place()
    made = scenario(number)
    calm = run(made, (), folder)
    return _judged(calm, faults(number, calm.counts, [op.at for op in made.ops]), folder)


def shrunk(verdict: Verdict) -> list[Fault]:
    """The faults that it takes: without any of them the same oracle finds nothing."""
    needed, oracle = [*verdict.outcome.faults], verdict.findings[0].oracle
    for fault in verdict.outcome.faults:
        fewer = [one for one in needed if one is not fault]
        findings = _judged(verdict.calm, fewer, place()).findings
        if any(finding.oracle == oracle for finding in findings):
            needed = fewer
    return needed


def _judged(calm: Outcome, faults: Sequence[Fault], folder: Path) -> Verdict:
    outcome = run(calm.scenario, faults, folder)
    found = [Finding(oracle.__name__, what) for oracle in ORACLES for what in oracle(calm, outcome)]
    return Verdict(calm.scenario.seed, calm, outcome, found)


def place() -> Path:
    """Where runs of this process have their files: in memory, where fsync costs nothing."""
    memory = Path("/dev/shm")
    root = memory if os.access(memory, os.W_OK) else Path("/tmp")
    return root / f"recon-simulate-{os.getpid()}"
