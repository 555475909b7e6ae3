"""A Python program of recon's own as a child, with a socket for its input: worker and notifier."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NamedTuple


class Child(NamedTuple):
    """All is the caller's to close; the child is reaped by its pidfd."""

    socket: socket.socket
    """The other end is its stdin."""
    pid: int
    pidfd: int


def start(
    module: str,
    words: Sequence[str],
    environment: Mapping[str, str],
    *,
    inherited: Sequence[int] = (),
    is_quiet: bool = False,
) -> Child:
    """Start ``python -P -m MODULE WORD…`` in a session of its own. OSError.

    It gets the descriptors ``inherited``, and this process's stderr unless it ``is_quiet``. -P: so
    that no module is taken from where recon stands.
    """
    near, far = socket.socketpair()
    try:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", module, *words],
            stdin=far.fileno(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if is_quiet else None,
            env=environment,
            pass_fds=inherited,
            start_new_session=True,
            cwd="/",
        )
        pidfd = os.pidfd_open(process.pid)
    except BaseException:
        near.close()
        raise
    finally:
        far.close()
    process.returncode = 0  # it is reaped by its pidfd: subprocess must not wait for the number
    return Child(near, process.pid, pidfd)
