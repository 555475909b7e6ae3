"""recon as PID 1 of a container ends by SIGTERM at any moment of its start."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from e2e.harness import PROGRAM, Recon
from tests.waiting import until

_IN_CONTAINER = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]


def _blocks(process: Path) -> bool:
    """SIGTERM is blocked: the first lines of recon have run."""
    lines = (process / "status").read_text().splitlines()
    mask = next(int(line.split()[1], 16) for line in lines if line.startswith("SigBlk:"))
    return bool(mask & 1 << signal.SIGTERM - 1)


def _is_the_controller(process: Path) -> bool:
    """`recon run` has become the controller, which has loaded nothing yet."""
    return b"reconciler.api" in (process / "cmdline").read_bytes()


@pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED: a pid namespace needs root")
@pytest.mark.parametrize("moment", [_blocks, _is_the_controller])
def test_sigterm_ends_it(moment: Callable[[Path], bool], recon: Recon) -> None:
    recon.app("web", ["sleep", "100000"])
    container = subprocess.Popen(
        [*_IN_CONTAINER, PROGRAM, "run"],
        env=recon.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        children = Path(f"/proc/{container.pid}/task/{container.pid}/children")
        until(lambda: children.read_text() != "", what="PID 1 is there")
        process = Path("/proc", children.read_text().split()[0])
        until(lambda: moment(process), what="the moment of the signal")
        os.kill(int(process.name), signal.SIGTERM)
        said, _ = container.communicate(timeout=60)
        assert container.returncode == 0, said
    finally:
        container.kill()
        container.wait()
    assert "started" not in recon.cli("events", "web", code=None)
