"""Starting and ending a peer's own process."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path


def start(
    command: list[str | Path], cwd: Path, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A supervisor in the foreground, silent, in a session of its own."""
    return subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def end(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, on which all of these end what they supervise and leave; else SIGKILL."""
    process.terminate()
    try:
        process.wait(timeout=30)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
