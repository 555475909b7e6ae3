"""Spawn: one instance of an app becomes a process, exactly as its manifest says.

Guarantees: a session of its own; the declared directory, environment, umask and user (with
that user's groups, DESIGN 7), and no more privileges than declared (``confine``); /dev/null as
input and no descriptors but 0, 1, 2 and the sockets that it is handed (``handover``); default
signal dispositions. The program is looked for in the *program's* PATH, relative to its directory.
A child exists only together with a pidfd: where that cannot be had, the child is ended.

A program with limits does not run before they are in force (``gate``).

The caller reaps, by ``waitid(P_PIDFD)``: see ``_forget``.
"""

from __future__ import annotations

import errno
import os
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from reconciler.converge import coredump, descriptors, gate, handover, inheritance, oomscore
from reconciler.converge.account import Account, account_of
from reconciler.converge.confine import Confinement, confined
from reconciler.converge.environment import environment_of
from reconciler.converge.gate import Gate
from reconciler.converge.handover import Handover
from reconciler.converge.unstartable import SpawnError, find, why
from reconciler.model.desired import DesiredApp
from reconciler.model.observed import Process, ProcessId, Tag
from reconciler.model.privileges import hidden_by_private_tmp
from reconciler.model.procstat import parse_stat

__all__ = ["Program", "SpawnError", "Spawned", "Started", "program_of", "spawn", "start"]

DEFAULT_UMASK = 0o022
"""Not the controller's, which is that of whatever shell has started it."""
_TICKS = os.sysconf("SC_CLK_TCK")
_TRANSIENT = {
    errno.EAGAIN,  # no more processes just now
    errno.ENOMEM,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOSPC,
    errno.EINTR,
    errno.ETXTBSY,  # the program is being written this moment: a deploy in progress
}


Limit = Callable[[ProcessId], None]
"""Put the limits in force on a process that waits at the gate; raises SpawnError."""


class Spawned(NamedTuple):
    """A new process and its pidfd (close-on-exec), which the caller closes."""

    process: Process
    pidfd: int


@dataclass(frozen=True, slots=True)
class Program:
    """All that is needed to start a program."""

    command: tuple[str, ...]
    cwd: str
    account: Account
    environment: dict[str, str] = field(repr=False)
    umask: int = DEFAULT_UMASK
    confinement: Confinement = field(default_factory=Confinement)
    handed: tuple[int, ...] = ()
    """Descriptors that it finds from 3 on, and is told of by ``handover``."""


class Started(NamedTuple):
    """What ``start`` returns: a child of ours, not reaped."""

    id: ProcessId
    pidfd: int


def spawn(
    app: DesiredApp,
    tag: Tag,
    stdout: int,
    stderr: int,
    sockets: Handover | None = None,
    *,
    limit: Limit | None = None,
) -> Spawned:
    """Start one instance. Raises SpawnError.

    ``limit`` is called before the program's first instruction.

    ``stdout``, ``stderr`` and the ``sockets`` to be handed over stay the caller's.

    Returns when the program has been exec'd. One that has already ended is returned as well:
    its pidfd is readable at once.
    """
    program = program_of(app, tag)
    if sockets is not None:
        if program.confinement.private_tmp and hidden_by_private_tmp(sockets.preload):
            hidden = f"`privateTmp` hides {sockets.preload}, which Node programs load"
            raise SpawnError(f"{hidden}; choose another state directory", transient=False)
        told = handover.with_sockets(program.environment, sockets)
        numbers = tuple(one.fd for one in sockets.handed)
        program = replace(program, environment=told, handed=numbers)
    started = start(program, stdout, stderr, limit)
    at = started.id.start / _TICKS
    probed = app.spec.readiness_probe is not None or app.spec.startup_probe is not None
    process = Process(
        tag=tag,
        id=started.id,
        started_at=at,
        ready=None if probed else True,
        ready_at=None if probed else at,
    )
    return Spawned(process, started.pidfd)


def program_of(app: DesiredApp, tag: Tag) -> Program:
    """How one instance of ``app`` is started. Raises SpawnError where that is not known."""
    if app.secrets is None:
        # Never start a program without its secrets: it might run on with defaults.
        raise SpawnError(f"some secrets of {app.name} cannot be read", transient=False)
    spec = app.spec
    account = account_of(spec.user, spec.group, spec.supplementary_groups)
    return Program(
        command=spec.command,
        cwd=spec.cwd,
        account=account,
        environment=environment_of(app, tag, account),
        umask=DEFAULT_UMASK if spec.umask is None else int(spec.umask, 8),
        confinement=Confinement.of(spec),
    )


def start(program: Program, stdout: int, stderr: int, limit: Limit | None = None) -> Started:
    """Start a program with /dev/null as its input. Raises SpawnError.

    ``stdout`` and ``stderr`` are descriptors of FIFOs or devices, or ``subprocess.DEVNULL``.
    """
    if limit is not None:
        return _start_limited(program, stdout, stderr, limit)
    return _start(program, stdout, stderr)


def _start_limited(program: Program, stdout: int, stderr: int, limit: Limit) -> Started:
    gate.check_names(program.environment, "limits")
    closed = Gate()
    try:
        waiting = _start(program, stdout, stderr, closed)
        try:
            limit(waiting.id)
            closed.open()
            _see_through(waiting, program)
        except BaseException:
            _discard(waiting)
            raise
    finally:
        closed.close()
    return waiting


def _see_through(waiting: Started, program: Program) -> None:
    """SpawnError where the shell at the gate could not become the program."""
    if gate.is_through(waiting.id.pid, program.command[0]):
        return
    ended = os.waitid(os.P_PIDFD, waiting.pidfd, os.WEXITED | os.WNOWAIT)
    code = ended.si_status if ended is not None and ended.si_code == os.CLD_EXITED else 0
    error = gate.failure(code)
    if error is None:
        told = f"cannot start {program.command[0]}: its limits leave no room for its start"
        raise SpawnError(told, transient=False)
    raise SpawnError(why(error, program.command, program.cwd, program.environment), False)


def _discard(started: Started) -> None:
    """A child of ours that shall not run after all."""
    try:
        signal.pidfd_send_signal(started.pidfd, signal.SIGKILL)
        os.waitid(os.P_PIDFD, started.pidfd, os.WEXITED)
    finally:
        os.close(started.pidfd)


def _start(program: Program, stdout: int, stderr: int, closed: Gate | None = None) -> Started:
    def popen() -> int:
        return confined(program.confinement, lambda: _popen(program, stdout, stderr, closed))

    try:
        held = _hold(descriptors.run(popen, program.handed))
    except OSError as error:
        transient = error.errno in _TRANSIENT
        told = why(error, program.command, program.cwd, program.environment)
        if error.errno == errno.ENOENT and program.confinement.private_tmp:
            told += "; `privateTmp` hides the host's /tmp and /var/tmp from it"
        raise SpawnError(told, transient) from error
    return held


def _popen(program: Program, stdout: int, stderr: int, closed: Gate | None) -> int:
    """The pid of the started program, or of the shell that waits at the gate to become it."""
    command, account, stdin = program.command, program.account, subprocess.DEVNULL
    identity: dict[str, Any] = {}
    if account.switch:
        inheritance.leave_keys()
        identity = {"user": account.uid, "group": account.gid, "extra_groups": account.groups}
    if program.handed or closed is not None:
        _must_be_there(program)  # the shell in between would only end, with 127
        wait, own_pid = closed is not None, bool(program.handed)
        command = gate.command(command, program.environment, wait=wait, own_pid=own_pid)
    if closed is not None:
        stdin = descriptors.reopened(closed.inner, os.O_RDONLY)
    output = [fd if fd < 0 else descriptors.reopened(fd) for fd in (stdout, stderr)]
    try:
        with coredump.allowed(), oomscore.given():
            popen = subprocess.Popen(
                command,
                stdin=stdin,
                stdout=output[0],
                stderr=output[1],
                close_fds=False,  # nothing of ours is inheritable: see descriptors
                cwd=program.cwd,
                env=program.environment,
                umask=program.umask,
                start_new_session=True,
                **identity,
            )
    finally:
        for fd in (stdin, *output):
            if fd >= 0:
                os.close(fd)
    return _forget(popen)


def _must_be_there(program: Program) -> None:
    found = find(program.command[0], program.cwd, program.environment)
    if found is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    if not os.access(found, os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    gate.check_format(found)


def _forget(popen: subprocess.Popen[bytes]) -> int:
    """The pid; the object never waits for it.

    A Popen that is dropped while its child runs warns, and parks itself in a list that each
    later Popen reaps from with waitpid: the exit status would be lost to whoever watches the
    pidfd. Popen does neither once it has a return code, so it is given one.
    """
    popen.returncode = 0
    return popen.pid


def _hold(pid: int) -> Started:
    """The pidfd and the start time of a child of ours, still unreaped, so the pid is its own.

    A zombie keeps its stat.
    """
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            ticks = parse_stat(os.read(fd, 4096)).start
        finally:
            os.close(fd)
        return Started(ProcessId(pid, ticks), os.pidfd_open(pid))
    except OSError:
        # The only signal by number: no pidfd is to be had, and an unreaped child of ours
        # keeps its pid, so that it can be nobody else.
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise
