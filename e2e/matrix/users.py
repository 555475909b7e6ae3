"""What a host allows an ordinary user less of: pipes, and the sight of other users' processes."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from e2e.harness import Recon
from tests.waiting import until

_UID = 54391
"""No other test's: a budget is a user's."""
SOME_USER = [
    *("setpriv", f"--reuid={_UID}", f"--regid={_UID}", "--clear-groups"),
    *("--inh-caps=+dac_override,+dac_read_search", "--ambient-caps=+dac_override,+dac_read_search"),
]
"""A command that goes on as another user, who may only use files as root does: the interpreter and
the test's folder may be root's alone."""
LACKING = "" if shutil.which("setpriv") else "takes setpriv"
_HOG = """
import fcntl, os, sys
held, size = [], 1 << 20
while size > 8192:
    held.append(os.pipe())
    try:
        size = fcntl.fcntl(held[-1][0], 1031, size)
    except PermissionError:
        size = fcntl.fcntl(held[-1][0], 1032)
print(size, flush=True)
sys.stdin.read()
"""
_SMALL = 8192
"""Bytes of a pipe beyond the budget."""


@contextmanager
def pipes_full(recon: Recon) -> Iterator[None]:
    """The user's pipes are used up by another program; what recon makes from now on is small."""
    hog = subprocess.Popen(
        [*SOME_USER, "python3", "-c", _HOG], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert hog.stdin is not None and hog.stdout is not None
    try:
        assert int(hog.stdout.readline()) == _SMALL
        yield
        until(lambda: _SMALL in _sizes(recon), what="the edited app writes into a small one")
    finally:
        hog.kill()
        hog.communicate()


def _sizes(recon: Recon) -> list[int]:
    """Of the pipes that the app writes into which is edited meanwhile."""
    sizes = []
    for path in (path for folder in recon.fifos for path in Path(folder).glob("web.*")):
        with suppress(OSError):  # it has ended
            fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            sizes.append(fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ))
            os.close(fd)
    return sizes


@contextmanager
def hides_processes(recon: Recon) -> Iterator[None]:
    """It is so from the start to the end."""
    assert recon.controller is not None
    mounts = Path(f"/proc/{recon.controller.pid}/mounts").read_text().splitlines()
    assert any("/proc proc " in one and "hidepid=" in one for one in mounts), mounts
    yield
