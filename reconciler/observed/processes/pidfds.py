"""A pidfd for a known process, and signals through it: a pid is never signalled by number."""

from __future__ import annotations

import errno
import os
import signal

from reconciler.model.state.observed import ProcessId
from reconciler.system import procfs


def hold(id: ProcessId) -> int | None:
    """A pidfd (close-on-exec) of exactly this process; None where it is gone or dead.

    The start time is compared *after* the pidfd was had: from then on the pid, as long as the
    pidfd's process lives, cannot be reused. Raises OSError where we are out of files.
    """
    try:
        pidfd = os.pidfd_open(id.pid)
    except OSError as error:
        if error.errno in (errno.ESRCH, errno.EINVAL, errno.ENOENT):  # gone, or a thread's id
            return None
        raise
    try:
        found = procfs.stat(id.pid)
    except OSError:
        os.close(pidfd)
        raise
    if found is None or found.start != id.start or procfs.is_dead(found):
        os.close(pidfd)
        return None
    return pidfd


def send(pidfd: int, signum: int) -> bool:
    """Whether the process was there to be signalled. PermissionError where it may not be."""
    try:
        signal.pidfd_send_signal(pidfd, signum)
    except ProcessLookupError:
        return False
    return True


def send_to(id: ProcessId, signum: int) -> bool:
    """The same, to a process whose pidfd is not held."""
    pidfd = hold(id)
    if pidfd is None:
        return False
    try:
        return send(pidfd, signum)
    finally:
        os.close(pidfd)
