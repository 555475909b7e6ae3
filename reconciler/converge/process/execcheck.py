"""The ``exec`` check of a probe: a command, as the app's user, in its directory, with its world.

It carries the instance's tag, as preStop does: whatever it leaves behind ends with the instance.
Never raises; one that takes too long is killed with its process group. One that cannot be killed
blocks no other (``helper``).
"""

from __future__ import annotations

import asyncio
import shlex
import textwrap

from reconciler.converge.process import helper
from reconciler.converge.process.spawn import SpawnError, Started
from reconciler.model.state.desired import Workload
from reconciler.model.state.observed import Exit, Process

_TO_DIE = 1.0
"""Seconds from SIGKILL to its end, which takes a millisecond."""


async def exec_check(
    app: Workload, process: Process, command: tuple[str, ...], seconds: float
) -> tuple[bool, str]:
    """Whether the command ended with 0 within so many seconds, and a sentence.

    It finds the pid of the instance in RECON_PID.
    """
    shown = textwrap.shorten(shlex.join(command), 60, placeholder=" …")
    try:
        started = helper.begin(app, process, command)
    except SpawnError as error:
        return False, str(error)
    try:
        async with asyncio.timeout(seconds):
            await _ended(started.pidfd)
    except TimeoutError:
        return False, f"{shown} did not end within {seconds:g} s{await _end(process, started)}"
    except BaseException:
        helper.abandon(process, started)
        raise
    helper.kill(started)  # what it has left of its group
    try:
        status = helper.reap(started)
    except SpawnError as error:
        return False, str(error)
    return status == 0, f"{shown} ended with {_status_text(status)}"


async def _end(process: Process, started: Started) -> str:
    """Kill it; a remark where it does not end of that."""
    helper.kill(started)
    try:
        async with asyncio.timeout(_TO_DIE):
            await _ended(started.pidfd)
    except TimeoutError:
        return f", and SIGKILL does not end it (pid {started.id.pid})"
    finally:
        helper.abandon(process, started)
    return ""


async def _ended(pidfd: int) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(pidfd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(pidfd)


def _status_text(status: int | None) -> str:
    if status is None:
        return "an unknown status"
    return f"exit code {status}" if status >= 0 else str(Exit(signal=-status))
