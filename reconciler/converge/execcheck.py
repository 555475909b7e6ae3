"""The ``exec`` check of a probe: a command, as the app's user, in its directory, with its world.

It carries the instance's tag, as preStop does: whatever it leaves behind ends with the instance.
Never raises; one that takes too long is killed with its process group.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
import textwrap

from reconciler.converge import helper
from reconciler.converge.spawn import SpawnError, Started
from reconciler.model.desired import DesiredApp
from reconciler.model.observed import Process


async def exec_check(
    app: DesiredApp, process: Process, command: tuple[str, ...], seconds: float
) -> tuple[bool, str]:
    """Whether the command ended with 0 within so many seconds, and a sentence.

    It finds the pid of the instance in RECON_PID.
    """
    told = textwrap.shorten(shlex.join(command), 60, placeholder=" …")
    try:
        started = helper.begin(app, process, command)
    except SpawnError as error:
        return False, str(error)
    try:
        async with asyncio.timeout(seconds):
            await _ended(started.pidfd)
    except TimeoutError:
        return False, f"{told} did not end within {seconds:g} s"
    finally:
        status = _finish(started)
    return status == 0, f"{told} ended with {_told(status)}"


async def _ended(pidfd: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(pidfd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(pidfd)


def _finish(started: Started) -> int:
    """Kill what is left of the group, and reap: the exit code, or minus the signal."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        # Until it is reaped, its pid and so its group's number can be nobody else's.
        os.killpg(started.id.pid, signal.SIGKILL)
    status = helper.reap(started)
    os.close(started.pidfd)
    return -signal.SIGKILL if status is None else status


def _told(status: int) -> str:
    return f"exit code {status}" if status >= 0 else f"signal {-status}"
