"""One seed: its scenario undisturbed, then with faults, and what does not hold."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from tests.simulate.faults import faults
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
    outcome = run(made, faults(number, calm.counts, [op.at for op in made.ops]), folder)
    found = [Finding(oracle.__name__, what) for oracle in ORACLES for what in oracle(calm, outcome)]
    return Verdict(number, calm, outcome, found)


def place() -> Path:
    """Where runs of this process have their files: in memory, where fsync costs nothing."""
    memory = Path("/dev/shm")
    root = memory if os.access(memory, os.W_OK) else Path("/tmp")
    return root / f"recon-simulate-{os.getpid()}"
