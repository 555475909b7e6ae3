"""Helpers: programs that recon starts beside an instance, and waits for: preStop, exec checks.

They run as the instance does: its directory, user, environment and privileges, and with its view
of the file system. They find its pid in RECON_PID. Each leads a session of its own, so that no
terminal of recon's is theirs.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Set
from dataclasses import replace

from reconciler.converge.spawn import Started, program_of, start
from reconciler.model.desired import DesiredApp
from reconciler.model.observed import Process

_awaited: set[int] = set()


def begin(app: DesiredApp, process: Process, command: tuple[str, ...]) -> Started:
    """Start one. Raises SpawnError; the caller is to ``reap`` it."""
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
    """Wait until it has ended: its exit code, or minus the signal that ended it.

    None where somebody else has reaped it. The pidfd stays the caller's.
    """
    try:
        result = os.waitid(os.P_PIDFD, helper.pidfd, os.WEXITED)
    except ChildProcessError:
        return None
    finally:
        _awaited.discard(helper.id.pid)
    assert result is not None
    return result.si_status if result.si_code == os.CLD_EXITED else -result.si_status


def awaited() -> Set[int]:
    """The pids of those that have yet to be reaped: not for a PID 1 that reaps all it is left."""
    return _awaited
