"""Each target takes what it is known to be difficult for; and some thousand new inputs."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from tests.fuzz import corpora, engine
from tests.fuzz.__main__ import record
from tests.fuzz.targets import INPUTS, NAMES

_SEED = int(os.environ.get("RECON_SEED", "1"))
"""Not at random: what a change did not cause does not fail its tests (`make fuzz` is for that)."""


def test_every_target_is_run() -> None:
    folder = Path(__file__).parent / "targets"
    assert {path.stem for path in folder.glob("*.py")} == {*NAMES, "journal", "planted", "__init__"}


@pytest.mark.parametrize("name", NAMES)
def test_inputs_that_are_kept(name: str) -> None:
    """On every Python: what once failed, and what reaches the most code."""
    check = corpora.module(name).check
    for data in corpora.inputs(name):
        began = time.process_time()
        try:
            check(data)
        except Exception as error:
            raise AssertionError(f"{name} fails at {data!r}") from error
        assert time.process_time() - began < 10, data


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.timeout(300)
def test_new_inputs(name: str) -> None:
    if why := engine.lacking():
        pytest.skip(f"SKIPPED: {name} is not fuzzed: {why}")
    began = time.monotonic()
    found = engine.run(name, 120, seed=_SEED, inputs=INPUTS[name])
    record(found, time.monotonic() - began)
    assert found.failure is None, f"{name} fails at {found.failure!r}:\n{found.output[-4000:]}"
    assert found.inputs > len(corpora.inputs(name)), "it tried nothing new"


def test_a_planted_fault_is_found() -> None:
    if why := engine.lacking():
        pytest.skip(f"SKIPPED: {why}")
    found = engine.run("planted", 60)
    assert found.failure is not None and found.failure.startswith(b"OOPS")
    assert "the planted fault" in found.output
