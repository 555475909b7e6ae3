"""One try, in a process of its own: whatever a server, a resolver or a command does, it ends.

A lookup of a name that hangs, a server that sends a byte a minute or ten gigabytes, a command that
never ends: none of these can be interrupted in a thread. So each try is a fork of the notifier,
with little memory, in a session of its own, that is killed when its time is up.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import resource
import signal
from collections.abc import Callable
from typing import NoReturn

from reconciler.notify.outcome import LONGEST, Outcome, failed
from reconciler.notify.target import Target

_PR_SET_PDEATHSIG = 1
_MEMORY = 1 << 30
"""Bytes of address space: an answer that is larger ends the try, and nothing else."""
_FILES = 256
_GONE = 2.0
"""Seconds in which a killed process ends; one that a dead disk holds is left to the kernel."""


async def attempt(target: Target, work: Callable[[], Outcome]) -> Outcome:
    """What ``work`` returns in a process of its own, within the target's time."""
    loop = asyncio.get_running_loop()
    reader, writer = os.pipe()
    try:
        pid = os.fork()
    except OSError as error:
        os.close(reader)
        os.close(writer)
        return failed(f"no process can be started: {error.strerror}")
    if pid == 0:
        _child(target, work, writer)
    os.close(writer)
    pidfd = os.pidfd_open(pid)
    try:
        data = await asyncio.wait_for(_read(loop, reader), target.timeout)
    except TimeoutError:
        data = None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        await _reap(loop, pidfd)
        os.close(reader)
    if data is None:
        return failed(f"no end within {target.timeout:g} s; the try was ended")
    return Outcome.from_bytes(data) or failed("the process that tried has ended without a word")


async def _read(loop: asyncio.AbstractEventLoop, descriptor: int) -> bytes:
    """All that is written there, as far as it is of use."""
    os.set_blocking(descriptor, False)
    data = b""
    while len(data) < LONGEST:
        await _readable(loop, descriptor)
        piece = os.read(descriptor, LONGEST)
        if not piece:
            break
        data += piece
    return data


async def _readable(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    ready = asyncio.Event()
    loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        loop.remove_reader(descriptor)


async def _reap(loop: asyncio.AbstractEventLoop, pidfd: int) -> None:
    try:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(_readable(loop, pidfd), _GONE)
        with contextlib.suppress(ChildProcessError):
            os.waitid(os.P_PIDFD, pidfd, os.WEXITED | os.WNOHANG)
    finally:
        os.close(pidfd)


def _child(target: Target, work: Callable[[], Outcome], writer: int) -> NoReturn:
    """Never returns to the loop that it is a copy of."""
    code = 1
    try:
        parent = os.getppid()
        os.setsid()
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(null, descriptor)
        os.dup2(writer, 3)
        os.closerange(4, 1 << 16)
        os.set_inheritable(3, False)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if not target.command:  # a program may need more than a client of HTTP
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
            resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))
        try:
            outcome = work()
        except MemoryError:
            outcome = failed(f"the answer is too large: it took more than {_MEMORY >> 20} MiB")
        os.write(3, outcome.to_bytes()[:LONGEST])
        code = 0
    finally:
        os._exit(code)
