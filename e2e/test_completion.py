"""Completion in real shells: right, quick, and harmless whatever names and controller are."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.harness import Recon
from e2e.programs import SLEEP
from e2e.shells import SHELLS, Shell, installed

_QUICK = 4.0
"""Seconds: 1.3 are given to a look that gets no answer, the rest is for a machine that is busy."""


@pytest.fixture(params=SHELLS)
def shell(request: pytest.FixtureRequest, recon: Recon, tmp_path: Path) -> Iterator[Shell]:
    if not installed(request.param):
        pytest.skip(f"SKIPPED: no {request.param} here")
    recon.app("alpha", SLEEP, instances=2)
    recon.write(
        "jobs.yaml",
        "apiVersion: recon/v1\nkind: Job\nmetadata: {name: nightly, labels: {tier: batch}}\n"
        "spec: {command: 'true', schedule: '@yearly', profiles: {night: {}}}\n",
    )
    with Shell(request.param, tmp_path, recon.environment) as made:
        yield made


def test_the_words_of_a_line_are_completed(recon: Recon, shell: Shell, tmp_path: Path) -> None:
    recon.app("beta", SLEEP, suspend=True)
    (tmp_path / "a file; touch pwned.yaml").write_text("")
    recon.run()
    recon.healthy("alpha", ready=2)
    assert shell.completed("recon desc", "X") == ["describe", "X"]
    assert shell.completed("recon rollout und", "X") == ["rollout", "undo", "X"]
    assert shell.completed("recon restart al", "X") == ["restart", "alpha", "X"]
    assert shell.completed("recon status --outp", "X") == ["status", "--output", "X"]
    assert shell.completed("recon status --output=j", "X") == ["status", "--output=json", "X"]
    assert shell.completed("recon status -o js", "X") == ["status", "-o", "json", "X"]
    assert shell.completed("recon scale al", "3") == ["scale", "alpha=3"]
    assert shell.completed("recon resume ", "X") == ["resume", "beta", "X"]
    assert shell.completed("recon run-job ", "X") == ["run-job", "nightly", "X"]
    assert shell.completed("recon rollout history alpha --revision ", "X")[-2:] == ["1", "X"]
    assert shell.completed("recon logs alpha-1", "X") == ["logs", "alpha-1", "X"]
    assert shell.completed("recon status -l ti", "X") == ["status", "-l", "tier=batch", "X"]
    assert shell.completed("recon status --selector=tier=b", "X")[1:] == [
        "--selector=tier=batch",
        "X",
    ]
    assert shell.completed("recon apply --profile n", "X") == ["apply", "--profile", "night", "X"]
    assert shell.completed("recon events --reason Unh", "X")[-2:] == ["Unhealthy", "X"]
    assert shell.completed("recon explain strategy.maxS") == ["explain", "strategy.maxSurge"]
    assert shell.completed("recon validate a", "X") == ["validate", "a file; touch pwned.yaml", "X"]
    assert shell.completed("recon apply --manifests=mani")[1].rstrip("/") == "--manifests=manifests"
    shown = shell.offered("recon ", "describe")
    assert "Traceback" not in shown
    assert not (tmp_path / "pwned").exists()


def test_without_a_controller_names_are_those_of_the_manifests(recon: Recon, shell: Shell) -> None:
    os.mkfifo(recon.manifests / "a-fifo.yaml")
    recon.write("broken.yaml", "kind: [")
    recon.write("huge.yaml", "#" * 10**7)
    began = time.monotonic()
    assert shell.completed("recon restart al", "X") == ["restart", "alpha", "X"]
    assert time.monotonic() - began < _QUICK


def test_a_controller_that_does_not_answer_holds_up_no_prompt(recon: Recon, shell: Shell) -> None:
    controller = recon.run()
    recon.healthy("alpha", ready=2)
    controller.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        assert shell.completed("recon restart al", "X") == ["restart", "alpha", "X"]
        assert time.monotonic() - began < _QUICK
    finally:
        controller.send_signal(signal.SIGCONT)


def test_no_name_is_run_and_nothing_is_printed_into_the_prompt(
    recon: Recon, shell: Shell, tmp_path: Path
) -> None:
    for number, name in enumerate(("$(touch pwned)", "`touch pwned`", "x; touch pwned", "a\\nb")):
        recon.write(
            f"hostile-{number}.yaml",
            f'apiVersion: recon/v1\nkind: Job\nmetadata: {{name: "{name}", labels: {{"{name}": '
            f'"{name}"}}}}\nspec: {{command: x}}\n',
        )
    assert shell.completed("recon run-job ", "X") == ["run-job", "nightly", "X"]
    assert shell.completed("recon status -l ", "X") == ["status", "-l", "tier=batch", "X"]
    for line in (
        "recon nonsense a",
        "recon restart '$(touch pwned)",
        "recon --no=/x ",
    ):
        shell.offered(line)
    assert shell.completed("recon desc", "X") == ["describe", "X"]
    assert shell.run("echo all is well").strip().endswith("all is well")
    assert not (tmp_path / "pwned").exists()
