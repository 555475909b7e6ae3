"""Helpers: programs that recon starts beside an instance, and waits for: preStop, exec checks.

They run as the instance does: its directory, user, environment and privileges, and with its view
of the file system. They find its pid in RECON_PID. Each leads a session of its own, so that no
terminal of recon's is theirs.

One that is killed and does not end (it runs as a user that recon may not signal, or waits in the
kernel) blocks nothing: it is left to be reaped when it does, and while an instance has too many
of those it gets no others.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Set
from dataclasses import replace

from reconciler.converge.process.spawn import SpawnError, Started, program_of, start
from reconciler.model.state.desired import Workload
from reconciler.model.state.observed import Process

_MOST_LATE = 4
"""Helpers of one instance that were killed and have not ended."""

_awaited: set[int] = set()
_late: dict[str, list[Started]] = {}
"""By the nonce of their instance."""


def begin(app: Workload, process: Process, command: tuple[str, ...]) -> Started:
    """Start one. Raises SpawnError; the caller is to ``reap`` or to ``abandon`` it."""
    _reap_late()
    late = _late.get(process.tag.nonce, ())
    if len(late) >= _MOST_LATE:
        pids = ", ".join(str(one.id.pid) for one in late)
        message = f"{len(late)} earlier ones were killed and have not ended (pid {pids})"
        raise SpawnError(f"{command[0]} is not started: {message}", False, "end them by hand")
    program = program_of(app, process.tag)
    started = start(
        replace(
            program,
            command=command,
            environment={**program.environment, "RECON_PID": str(process.id.pid)},
            confinement=program.confinement.helping(process.id),
        ),
        subprocess.DEVNULL,
        subprocess.DEVNULL,
    )
    _awaited.add(started.id.pid)
    return started


def reap(helper: Started) -> int | None:
    """The exit code of one that has ended, or minus the signal that ended it; SpawnError where
    its program could not be started. Closes it.

    None where another caller has reaped it, or it has not ended.
    """
    helper.report.look()
    try:
        result = os.waitid(os.P_PIDFD, helper.pidfd, os.WEXITED | os.WNOHANG)
    except ChildProcessError:
        result = None
    _awaited.discard(helper.id.pid)
    helper.report.close()
    os.close(helper.pidfd)
    if helper.report.failure is not None:
        raise helper.report.failure
    if result is None:
        return None
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status


def kill(helper: Started) -> None:
    """SIGKILL, to it and to its process group."""
    with contextlib.suppress(OSError):
        # Until it is reaped, its pid, and so its group's number, cannot be reused.
        os.killpg(helper.id.pid, signal.SIGKILL)


def abandon(process: Process, helper: Started) -> None:
    """Kill one, and leave it to be reaped when it has ended. Its session is ended as well."""
    kill(helper)
    helper.report.close()
    _late.setdefault(process.tag.nonce, []).append(helper)
    _reap_late()


def awaited() -> Set[int]:
    """The pids of those that have yet to be reaped: not for a PID 1 that reaps all it is left."""
    return _awaited


def _reap_late() -> None:
    for nonce, late in [*_late.items()]:
        _late[nonce] = [one for one in late if not _is_reaped(one)]
        if not _late[nonce]:
            del _late[nonce]


def _is_reaped(helper: Started) -> bool:
    try:
        if os.waitid(os.P_PIDFD, helper.pidfd, os.WEXITED | os.WNOHANG) is None:
            return False
    except ChildProcessError:
        pass
    _awaited.discard(helper.id.pid)
    os.close(helper.pidfd)
    return True
