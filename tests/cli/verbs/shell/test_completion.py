"""`recon completion`: scripts that the shells themselves find right."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from tests.cli.conftest import Cli


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_is_without_a_mistake(cli: Cli, shell: str) -> None:
    done = cli("completion", shell)
    assert done.code == 0 and "__complete" in done.out
    if shutil.which(shell) is None:
        pytest.skip(f"SKIPPED: no {shell} here")
    checked = subprocess.run(
        [shell, "-n"], input=done.out, capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_another_shell_is_a_usage_error(cli: Cli) -> None:
    done = cli("completion", "tcsh")
    assert done.code == 64 and "bash, zsh, fish" in done.err
