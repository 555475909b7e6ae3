"""The fork server's program: a small process that forks stubs, each of which becomes a program.

It is run by ``forkserver``, with little in its memory, so that a fork costs next to nothing. It
touches nothing of any app itself and so never waits for one. What may wait forever (a directory
on a dead file system, a program whose owner holds a lease on it) is done by the stub alone, in
this order:

1. It is a child of the controller (CLONE_PARENT), and in its cgroup, from the fork on.
2. It takes its output, by which the next controller knows it (``observed.processes.identity``), and
   only then lets go of the lock of the state directory and of all else that is the server's.
3. It waits for the controller's word, where limits are to be put in force on it.
4. It gives up what it must not have, takes on its user, and as that user enters its directory.
5. It execs. One whose controller has given it up, or is gone, ends instead.

What kept it from that is written to its channel, which the exec closes. Imports are few on
purpose: each costs every stub.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # signal loads enum, which each stub would pay
import _socket
import ctypes
import errno
import fcntl
import marshal
import os
import resource
import struct
import sys

from reconciler.model.host.lineage import led_by
from reconciler.system import exec_errors, syscalls
from reconciler.system.exec_errors import (
    CAPABILITIES,
    DIRECTORY,
    EXEC,
    IDENTITY,
    MOUNTS,
    SETUP,
)

TYPE_CHECKING = False
if TYPE_CHECKING:  # typing itself is not loaded: it would double the time of a fork
    from typing import Any, NoReturn

FIRST = 3
"""The number of the first descriptor that is handed over (systemd: SD_LISTEN_FDS_START)."""
NAME = b"recon-start"
"""Of the fork server and its stubs, in ``/proc/PID/comm``; an exec gives a process its own."""
HEAD = struct.Struct("=QB")
"""Before a request: its length, and how many descriptors come with it."""
ANSWER = struct.Struct("=iB")
"""After it: the pid (or minus an errno), and whether the stub is in its cgroup."""
MOST_HANDED = 60
"""So many descriptors can be handed over."""

_CLONE3 = 435  # the same on all architectures; Linux ≥ 5.3
_CLONE = {"x86_64": 56, "aarch64": 220, "riscv64": 220, "s390x": 120}  # elsewhere 120 as well
_CLONE_PARENT, _CLONE_INTO_CGROUP = 0x8000, 1 << 33
_ARGUMENTS = struct.Struct("=11Q")  # struct clone_args, VER2
_PR_SET_NAME = 15
_LONGEST = 4096
"""Bytes of a name or a message in a report."""


def main() -> None:
    """Serve the controller on standard input until it is gone; the arguments are its lock."""
    serve(_socket.socket(fileno=0), [int(word) for word in sys.argv[1:]])
    os._exit(0)  # at once: the lock is free when this process is gone


def serve(server: _socket.socket, keep: list[int]) -> None:
    """Fork a stub for each request; returns when the controller is gone."""
    for number in (_signal.SIGPIPE, _signal.SIGXFSZ, _signal.SIGINT):
        _signal.signal(number, _signal.SIG_DFL)  # as programs expect them
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(_PR_SET_NAME, NAME, 0, 0, 0)
    null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    while (received := _receive(server)) is not None:
        request, fds = received
        if "inherited" in request:
            _settle(request["inherited"])
            continue
        if request["confinement"] is not None:
            _load()
        place = fds.pop(0) if request["cgroup"] else -1
        own = _take_on(request)
        pid, inside = _fork(libc, place)
        if pid == 0:
            _become(request, fds, null, [server.fileno(), place, *keep])
        for which, limit in own:
            resource.setrlimit(which, limit)
        server.sendall(ANSWER.pack(pid, inside))
        for fd in (*fds, place):
            if fd >= 0:
                os.close(fd)


def _receive(server: _socket.socket) -> tuple[dict[str, Any], list[int]] | None:
    """A request and its descriptors; None where the controller is gone."""
    head, ancillary, _, _ = server.recvmsg(HEAD.size, _socket.CMSG_SPACE(4 * (MOST_HANDED + 4)))
    if len(head) < HEAD.size:
        return None
    fds: list[int] = []
    for _, _, data in ancillary:
        fds += struct.unpack(f"={len(data) // 4}i", data)
    size, _ = HEAD.unpack(head)
    parts = []
    while size:
        part = server.recv(min(size, 1 << 20))
        if not part:
            return None
        parts.append(part)
        size -= len(part)
    return marshal.loads(b"".join(parts)), fds


def _settle(inherited: dict[str, Any]) -> None:
    """Take on what programs must inherit, and the controller has changed for itself."""
    for which, soft, hard in inherited["limits"]:
        resource.setrlimit(which, (soft, hard))
    try:
        with open("/proc/self/oom_score_adj", "wb", buffering=0) as file:
            file.write(b"%d" % inherited["score"])
    except OSError:
        pass  # lower than ours, which takes a privilege that recon lacks


def _take_on(request: dict[str, Any]) -> list[tuple[int, tuple[int, int]]]:
    """Have the limits that the stub is born with; which were the server's own before.

    Inherited: one that the stub set itself could undo what the controller sets on it.
    """
    wanted = [(resource.RLIMIT_CORE, request["core"])]
    if request["lineage"] is not None:
        wanted.append((resource.RLIMIT_RTTIME, request["lineage"]))
    own = [(which, resource.getrlimit(which)) for which, _ in wanted]
    for which, limit in wanted:
        resource.setrlimit(which, limit)
    return own


def _load() -> None:
    """What only confined programs need: loaded here once, and not by each stub."""
    from reconciler.converge.isolation import mounts  # noqa: F401, PLC0415


def _fork(libc: ctypes.CDLL, place: int) -> tuple[int, bool]:
    """The pid of a child of the controller, 0 in it; whether it is in the cgroup ``place``."""
    if place >= 0:
        pid = _clone3(libc, _CLONE_PARENT | _CLONE_INTO_CGROUP, place)
        if pid >= 0:
            return pid, True
    pid = _clone3(libc, _CLONE_PARENT, 0)
    if pid < 0 and -pid not in (errno.EAGAIN, errno.ENOMEM):  # too old, or a sandbox
        pid = _clone(libc)
    return pid, False


def _clone3(libc: ctypes.CDLL, flags: int, place: int) -> int:
    arguments = _ARGUMENTS.pack(flags, 0, 0, 0, 0, 0, 0, 0, 0, 0, max(place, 0))
    pid = int(libc.syscall(_CLONE3, arguments, ctypes.c_size_t(len(arguments))))
    return pid if pid >= 0 else -ctypes.get_errno()


def _clone(libc: ctypes.CDLL) -> int:
    machine = os.uname().machine
    words = [_CLONE_PARENT, 0] if machine != "s390x" else [0, _CLONE_PARENT]
    number = _CLONE.get(machine, 120)
    pid = int(libc.syscall(number, *map(ctypes.c_ulong, [*words, 0, 0, 0])))
    return pid if pid >= 0 else -ctypes.get_errno()


# -- the stub ------------------------------------------------------------------------------------


def _become(request: dict[str, Any], fds: list[int], null: int, other: list[int]) -> NoReturn:
    """Become the program, or report why not and exit."""
    channel, at = fds[0], [SETUP]
    try:
        channel = _take(request, fds, null, other)
        if request["wait"] and not os.read(channel, 1):
            os._exit(1)  # its limits could not be put in force
        _prepare(request, at)
        _exec(request, channel, at)
    except OSError as error:
        _report(channel, at[0], error, *_why(request, at[0], error))
    except BaseException as error:  # a fault of ours must not pass for the program's end
        _report(channel, SETUP, OSError(), repr(error))
    finally:
        os._exit(127)


def _take(request: dict[str, Any], fds: list[int], null: int, other: list[int]) -> int:
    """Have 0, 1, 2 and what is handed over, and beside them only the channel: its number."""
    os.setsid()
    low = FIRST + request["handed"]
    channel, *rest, empty = (fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, low) for fd in (*fds, null))
    copies = [*rest, empty]
    output = [rest.pop(0) if has else empty for has in request["output"]]
    for number, fd in enumerate((empty, *output, *rest)):
        os.dup2(fd, number)
    for fd in {*fds, *copies, null, *other}:
        if fd >= low:  # what was below has been written over
            os.close(fd)
    return int(channel)


def _prepare(request: dict[str, Any], at: list[int]) -> None:
    if request["lineage"] is not None:
        soft, hard = request["lineage"]
        resource.setrlimit(resource.RLIMIT_RTTIME, (led_by(soft, os.getpid()), hard))
    os.umask(request["umask"])
    if request["confinement"] is not None:
        _confine(request["confinement"], at)
    if request["identity"] is not None:
        at[0] = IDENTITY
        uid, gid, groups = request["identity"]
        try:
            syscalls.fresh_session_keyring()
        except OSError:
            pass  # forbidden, or too many keys: then there are none to leave
        os.setgroups(groups)
        os.setresgid(gid, gid, gid)
        os.setresuid(uid, uid, uid)
    at[0] = DIRECTORY
    os.chdir(request["cwd"])  # as the user, who may not go where only root may


def _confine(given: dict[str, Any], at: list[int]) -> None:
    from reconciler.converge.isolation import mounts  # noqa: PLC0415  loaded by the server: see ``_load``

    at[0] = MOUNTS
    if given["beside"] is not None:
        mounts.join(*given["beside"])
    elif given["read_only"] or given["own"]:
        mounts.enter_own(given["read_only"], given["own"])
    at[0] = CAPABILITIES
    if given["drop"]:
        syscalls.drop_inheritable(sum(1 << number for number in given["drop"]))
        for number in given["drop"]:
            syscalls.drop_from_bounding(number)
    at[0] = SETUP
    if given["no_new_privileges"]:
        syscalls.no_new_privileges()


def _exec(request: dict[str, Any], channel: int, at: list[int]) -> NoReturn:
    """As execvpe(3): the first file in PATH that can be run. OSError."""
    environment = request["environment"]
    if request["handed"]:
        environment[b"LISTEN_PID"] = b"%d" % os.getpid()
    if not _is_wanted(channel):
        os._exit(1)
    at[0] = EXEC
    failed: OSError = FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    for path in request["paths"]:
        try:
            os.execve(path, request["command"], environment)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTDIR):
                failed = failed if failed.errno != errno.ENOENT else error
    raise failed


def _is_wanted(channel: int) -> bool:
    """False where the controller has given it up, or is gone."""
    os.set_blocking(channel, False)
    try:
        return bool(os.read(channel, 1))
    except BlockingIOError:
        return True


def _why(request: dict[str, Any], stage: int, error: OSError) -> tuple[str, str]:
    if stage in (MOUNTS, CAPABILITIES):  # the controller knows which fields that are
        return error.strerror or "", ""
    decode = os.fsdecode
    environment = {b"PATH": os.fsencode(os.defpath), **request["environment"]}
    command = [*map(decode, request["command"])]
    search = {"PATH": decode(environment[b"PATH"])}
    return exec_errors.why(stage, error, command, decode(request["cwd"]), search)


def _report(channel: int, stage: int, error: OSError, message: str, remedy: str = "") -> None:
    name = None if error.filename is None else os.fsencode(error.filename)[:_LONGEST]
    os.set_blocking(channel, True)
    texts = [text.encode(errors="replace")[:_LONGEST] for text in (message, remedy)]
    word = (stage, error.errno or 0, name, *texts)
    os.write(channel, marshal.dumps(word))
