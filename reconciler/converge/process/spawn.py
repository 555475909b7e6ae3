"""Spawn: one instance of an app becomes a process, exactly as its manifest says.

Guarantees: a session of its own; the declared directory, environment, umask and user (with
that user's groups, design.md#security), and no more privileges than declared (``privileges``);
/dev/null as input and no descriptors but 0, 1, 2 and the sockets that it is handed (``handover``);
default signal dispositions, and none blocked. The program is looked for in the *program's* PATH,
relative to its directory. A child exists only together with a pidfd: where there is none, it is
ended.

What is returned is a stub (``forkserver``), which becomes the program by itself; its ``report``
tells when it has, or why it could not. So the controller never waits for an exec. A program with
limits does not run before they are in force: the stub waits for that.

The caller reaps, by ``waitid(P_PIDFD)``.
"""

from __future__ import annotations

import contextlib
import errno
import os
import signal
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from typing import Any, NamedTuple

from reconciler.converge.isolation import coredump, oomscore
from reconciler.converge.isolation.privileges import Confinement, why_not
from reconciler.converge.isolation.user_account import Account, account_of
from reconciler.converge.process import calm, descriptors, forkserver, handover, lineage
from reconciler.converge.process.environment import environment_of
from reconciler.converge.process.handover import Handover
from reconciler.converge.process.report import Failure, Report
from reconciler.converge.process.stub import MOST_HANDED
from reconciler.model.host.procstat import parse_stat
from reconciler.model.spec.privileges import hidden_by_private_tmp
from reconciler.model.state.desired import Workload
from reconciler.model.state.observed import Process, ProcessId, Tag
from reconciler.system.exec_errors import (
    CAPABILITIES,
    MOUNTS,
    SETUP,
    SpawnError,
    candidates,
    printable,
    why,
)

__all__ = ["Program", "SpawnError", "Spawned", "Started", "program_of", "spawn", "start"]

DEFAULT_UMASK = 0o022
"""Not the controller's, which is that of whatever shell has started it."""
_SIGNALS = tuple(map(int, signal.valid_signals()))
"""All of them: to name them is a third less for libc to ask of each than to leave them out."""
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
    report: Report
    """The caller's to close."""
    in_cgroup: bool = False


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

    @property
    def nonce(self) -> str:
        """Of its instance; empty where it is none's."""
        return self.environment.get("RECON_ID", "").rpartition("/")[2]


class Started(NamedTuple):
    """What ``start`` returns: a child of ours, not reaped. All is the caller's to close."""

    id: ProcessId
    pidfd: int
    report: Report
    in_cgroup: bool = False


def spawn(
    app: Workload,
    tag: Tag,
    stdout: int,
    stderr: int,
    sockets: Handover | None = None,
    *,
    limit: Limit | None = None,
    cgroup: int = -1,
) -> Spawned:
    """Start one instance. SpawnError, for what is known before its program is tried.

    ``limit`` is called before the program's first instruction. ``cgroup`` is a descriptor of the
    folder of the cgroup that it is to be in from birth.

    ``stdout``, ``stderr`` and the ``sockets`` to be handed over stay the caller's.

    The process is not ready where its program has yet to be exec'd, or is to be probed.
    """
    program = program_of(app, tag)
    if sockets is not None:
        if program.confinement.private_tmp and hidden_by_private_tmp(sockets.preload):
            hidden = f"`privateTmp` hides {sockets.preload}, which Node programs load"
            raise SpawnError(hidden, False, "choose another state directory")
        environment = handover.with_sockets(program.environment, sockets)
        numbers = tuple(one.fd for one in sockets.handed)
        program = replace(program, environment=environment, handed=numbers)
    started = start(program, stdout, stderr, limit, cgroup)
    starting = not started.report.settled
    at = started.id.start / _TICKS
    if starting or app.spec.readiness is not None:
        process = Process(tag, started.id, at, ready=None, starting=starting)
    else:
        process = Process(tag, started.id, at, ready=True, ready_at=at)
    return Spawned(process, started.pidfd, started.report, started.in_cgroup)


def program_of(app: Workload, tag: Tag) -> Program:
    """How one instance of ``app`` is started. Raises SpawnError where that is not known."""
    if app.secrets is None:
        # Never start a program without its secrets: it might run on with defaults.
        message, problem = f"some secrets of {app.name} cannot be read", app.problem
        if problem is None:
            raise SpawnError(message, transient=True)
        raise SpawnError(f"{message}: {problem.message}", True, problem.remedy)
    spec = app.spec
    account = account_of(spec.user, spec.group, spec.supplementary_groups)
    return Program(
        command=app.argv(tag.instance),
        cwd=spec.cwd,
        account=account,
        environment=environment_of(app, tag, account),
        umask=DEFAULT_UMASK if spec.umask is None else int(spec.umask, 8),
        confinement=Confinement.of(spec),
    )


def start(
    program: Program, stdout: int, stderr: int, limit: Limit | None = None, cgroup: int = -1
) -> Started:
    """Start a program with /dev/null as its input. SpawnError.

    ``stdout`` and ``stderr`` are descriptors of FIFOs or devices, or ``subprocess.DEVNULL``.
    """
    explain = partial(_explain, program, limited=limit is not None)
    if limit is None and cgroup < 0 and _is_plain(program):
        with contextlib.suppress(OSError, UnicodeEncodeError, descriptors.StuckError):
            pid = _start_here(program, stdout, stderr)
            try:
                started = _hold(pid)
            except OSError as error:  # it has begun, and was killed: not again, as a stub
                raise explain(Failure(SETUP, error)) from error
            with contextlib.suppress(OSError, ValueError):  # it has ended, or a sandbox forbids it
                lineage.lead(pid, program.nonce)
            return started
    has = [fd != subprocess.DEVNULL for fd in (stdout, stderr)]
    output = [fd for fd in (stdout, stderr) if fd != subprocess.DEVNULL]
    request = _request(program, has, waits=limit is not None)
    try:
        child = forkserver.server().fork(request, [*output, *program.handed], cgroup)
        started = _hold(child.pid, child.channel, explain, child.in_cgroup)
    except OSError as error:
        raise explain(Failure(SETUP, error)) from error
    if limit is not None:
        try:
            limit(started.id)
            started.report.admit()
        except BaseException:
            _discard(started)
            raise
    return started


def is_plain(app: Workload) -> bool:
    """Whether it takes on nothing that recon is not itself."""
    spec = app.spec
    other = spec.user, spec.group, spec.supplementary_groups, spec.owned_sockets
    return not (any(other) or Confinement.of(spec))


def _is_plain(program: Program) -> bool:
    return not (program.account.switch or program.confinement or program.handed)


def _start_here(program: Program, stdout: int, stderr: int) -> int:
    """The pid, the quick way, where the exec cannot wait. OSError, StuckError: nothing was started.

    The interpreter is held until the exec has happened. That is three times as fast as a stub,
    where a program is to come back at once.
    """
    paths = _paths(program.command[0], program.environment.get("PATH", os.defpath))
    check = partial(calm.check, paths, program.cwd)
    spare = os.dup(stdout) if stdout >= 0 else os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    try:  # there is room for its pidfd: without one it would have to be killed
        return descriptors.run(check, partial(_fork, program, paths, stdout, stderr))
    finally:
        os.close(spare)


@lru_cache(maxsize=256)  # a thousand instances of one app ask for the same
def _paths(program: str, path: str) -> tuple[str, ...]:
    return tuple(candidates(program, {"PATH": path}))


def _fork(program: Program, paths: Sequence[str], stdout: int, stderr: int) -> int:
    """The pid of the program, in the thread of ``descriptors``. OSError."""
    output = [fd if fd < 0 else descriptors.reopened(fd) for fd in (stdout, stderr)]
    start = _posix_spawn if descriptors.has_place() else _popen
    try:
        with coredump.allowed(), oomscore.given(), lineage.given(program.nonce):
            return start(program, paths, *output)
    finally:
        for fd in output:
            if fd >= 0:
                os.close(fd)


def _posix_spawn(program: Program, paths: Sequence[str], *output: int) -> int:
    """By posix_spawn(3), which knows no directory and no umask: the thread takes them on.

    A start after a pause takes 0.10 ms so, and by Popen 0.29 (medians of 300 in turns): Popen
    makes a pipe for errors and goes through far more code of Python, none of it in a cache.
    """
    null = (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDWR, 0)
    actions = [null, *(_into(number, fd) for number, fd in enumerate(output, 1))]
    os.umask(program.umask)
    os.chdir(program.cwd)
    try:
        for path in paths:
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                return os.posix_spawn(
                    path,
                    program.command,
                    program.environment,
                    file_actions=actions,
                    setsid=True,
                    setsigmask=(),
                    setsigdef=_SIGNALS,
                )
    finally:
        os.chdir("/")  # a file system that a thread is in cannot be unmounted
    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))


def _into(number: int, fd: int) -> tuple[int, ...] | tuple[int, int, str, int, int]:
    if fd < 0:
        return os.POSIX_SPAWN_OPEN, number, os.devnull, os.O_RDWR, 0
    return os.POSIX_SPAWN_DUP2, fd, number


def _popen(program: Program, _paths: Sequence[str], *output: int) -> int:
    """Where a sandbox forbids the thread a directory of its own."""
    popen = subprocess.Popen(
        program.command,
        stdin=subprocess.DEVNULL,
        stdout=output[0],
        stderr=output[1],
        close_fds=False,  # nothing of ours is inheritable: see descriptors
        cwd=program.cwd,
        env=program.environment,
        umask=program.umask,
        start_new_session=True,
    )
    return _forget(popen)


def _forget(popen: subprocess.Popen[bytes]) -> int:
    """The pid; the object never waits for it.

    A Popen that is dropped while its child runs warns, and parks itself in a list that each
    later Popen reaps from with waitpid: the exit status would be lost to the code that watches the
    pidfd. Popen does neither once it has a return code, so it is given one.
    """
    popen.returncode = 0
    return popen.pid


def _request(program: Program, output: list[bool], *, waits: bool) -> dict[str, Any]:
    """What the stub is to do (``stub``). SpawnError."""
    account, environment = program.account, program.environment
    if len(program.handed) > MOST_HANDED:
        message = f"it has {len(program.handed)} sockets, and {MOST_HANDED} can be handed over"
        raise SpawnError(message, transient=False)
    try:
        variables = {os.fsencode(k): os.fsencode(v) for k, v in environment.items()}
        command = [os.fsencode(word) for word in program.command]
        cwd = os.fsencode(program.cwd)
    except UnicodeEncodeError as error:
        what = f"{printable(repr(error.object))} is not valid Unicode"
        raise SpawnError(f"cannot start {printable(program.command[0])}: {what}", False) from None
    paths = [os.fsencode(path) for path in candidates(program.command[0], environment)]
    switch = (account.uid, account.gid, list(account.groups)) if account.switch else None
    return {
        "command": command,
        "paths": paths,
        "environment": variables,
        "cwd": cwd,
        "umask": program.umask,
        "identity": switch,
        "confinement": program.confinement.request(),
        "core": coredump.of_programs(),
        "lineage": lineage.limit(program.nonce),
        "output": output,
        "handed": len(program.handed),
        "wait": waits,
    }


def _explain(program: Program, failure: Failure, *, limited: bool) -> SpawnError:
    """What kept a stub from becoming its program."""
    stage, error, message, remedy = failure
    if stage in (MOUNTS, CAPABILITIES):
        return why_not(program.confinement, stage, error)
    if limited and stage != SETUP and error.errno in (errno.EAGAIN, errno.ENOMEM, 0):
        return _no_room(program)
    if not error.errno:
        message = f"cannot start {printable(program.command[0])}: {message or error}"
    if not message:
        message, remedy = why(SETUP, error, program.command, program.cwd, program.environment)
    if error.errno == errno.ENOENT and program.confinement.private_tmp:
        hidden = "`privateTmp` hides the host's /tmp and /var/tmp from it"
        remedy = f"{remedy}; {hidden}" if remedy else hidden
    return SpawnError(message, error.errno in _TRANSIENT, remedy)


def _no_room(program: Program) -> SpawnError:
    what = f"cannot start {printable(program.command[0])}"
    message = f"{what}: its own limits stopped it before it started"
    return SpawnError(message, False, "raise limits.memoryHard or limits.processes")


def _discard(started: Started) -> None:
    """A stub that is not to become its program after all."""
    started.report.close()
    try:
        signal.pidfd_send_signal(started.pidfd, signal.SIGKILL)
        os.waitid(os.P_PIDFD, started.pidfd, os.WEXITED)  # it waits for our word, and nothing else
    finally:
        os.close(started.pidfd)


def _hold(
    pid: int,
    channel: int = -1,
    explain: Callable[[Failure], SpawnError] | None = None,
    in_cgroup: bool = False,
) -> Started:
    """The pidfd and the start time of a child of ours, still unreaped, so the pid is its own.

    A zombie keeps its stat.
    """
    try:
        fd = os.open(f"/proc/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
        try:
            ticks = parse_stat(os.read(fd, 4096)).start
        finally:
            os.close(fd)
        pidfd = os.pidfd_open(pid)
    except OSError:
        # The only signal by number: there is no pidfd, and an unreaped child of ours keeps its
        # pid, so that the number cannot be reused.
        os.kill(pid, signal.SIGKILL)
        if channel >= 0:
            os.close(channel)
        os.waitpid(pid, 0)
        raise
    return Started(ProcessId(pid, ticks), pidfd, Report(channel, pid, pidfd, explain), in_cgroup)
