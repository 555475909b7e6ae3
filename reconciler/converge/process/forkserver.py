"""The fork server, as the controller sees it: a request becomes a child whose pid is known.

Why not fork here: the controller is large and has threads. A copy of it costs more than all the
rest of a start, and Python's vfork holds the interpreter until the exec has happened, which a
lease on the program or a dead file system puts off without end. So a small process (``stub``)
forks; what it forks is the controller's own child, and nothing waits for its exec but itself.

The server is started with the first program, and again where it was killed. It ends with the
controller, and until then holds its lock: a start that is under way is seen by the next
controller, or not made at all.
"""

from __future__ import annotations

import contextlib
import errno
import marshal
import os
import resource
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import reconciler
from reconciler.converge.isolation import oomscore
from reconciler.converge.process import descriptors, stub

_ROOT = str(Path(reconciler.__file__).parents[1])
_MAIN = (
    f"import sys; sys.path.insert(0, {_ROOT!r}); "
    "from reconciler.converge.process import stub; stub.main()"
)
_PATIENCE = 10.0
"""Seconds for an answer, which takes a third of a millisecond: then it is killed, as stuck."""
_NO_CORE = 1
"""See ``coredump``: its memory holds secrets, as the controller's does."""


class _KilledError(OSError):
    """The server was killed: another may do."""


class Child(NamedTuple):
    """A stub: a child of the controller, not reaped."""

    pid: int
    channel: int
    """Our end; it reads as ended when the stub has become its program, or has ended."""
    in_cgroup: bool


class ForkServer:
    """One server. ``begin(socket, keep)`` starts its process and returns its pid."""

    def __init__(
        self, keep: Sequence[int] = (), begin: Callable[[int, Sequence[int]], int] | None = None
    ) -> None:
        self._keep = keep
        self._begin = begin or _begin
        self._socket: socket.socket | None = None
        self._pid = 0

    def fork(self, request: dict[str, Any], fds: Sequence[int], cgroup: int = -1) -> Child:
        """A stub for a request (``spawn`` makes it), in a cgroup if need be. OSError.

        ``fds`` are the program's output and what it is handed; they stay the caller's.
        """
        for left in (1, 0):
            try:
                return self._fork({**request, "cgroup": cgroup >= 0}, fds, cgroup)
            except _KilledError:  # with a new one, and a new channel: see ``_fork``
                if not left:
                    raise
        raise AssertionError

    def _fork(self, request: dict[str, Any], fds: Sequence[int], cgroup: int) -> Child:
        """One try. A stub that a server forked and did not live to report finds the channel closed,
        and ends instead of becoming a second copy."""
        near, far = socket.socketpair()
        try:
            given = [*([cgroup] if cgroup >= 0 else ()), far.fileno(), *fds]
            pid, inside = self._request(request, given)
        except BaseException:
            near.close()
            raise
        finally:
            far.close()
        near.setblocking(False)
        return Child(pid, near.detach(), inside)

    def prepare(self) -> None:
        """Start the process, so that the first program need not wait for it. OSError."""
        if self._socket is not None:
            return
        near, far = socket.socketpair()
        with far:
            self._pid = self._begin(far.fileno(), self._keep)
        near.settimeout(_PATIENCE)
        self._socket = near
        self._send({"inherited": _inherited()}, ())

    def close(self) -> None:
        """End it, which ends nothing that it has forked."""
        if self._socket is None:
            return
        self._socket.close()
        self._socket = None
        with contextlib.suppress(OSError):
            os.kill(self._pid, 9)  # not reaped, so the number is its own
            os.waitpid(self._pid, 0)

    def _request(self, request: dict[str, Any], fds: Sequence[int]) -> tuple[int, bool]:
        """OSError; _KilledError where the server was killed."""
        self.prepare()
        try:
            self._send(request, fds)
            answer = self._answer()
        except OSError as error:
            self.close()
            if isinstance(error, TimeoutError) or error.errno == errno.EMSGSIZE:
                raise
            raise _KilledError(error.errno, error.strerror) from error
        pid, inside = stub.ANSWER.unpack(answer)
        if pid < 0:
            raise OSError(-pid, os.strerror(-pid))
        return pid, bool(inside)

    def _send(self, request: dict[str, Any], fds: Sequence[int]) -> None:
        assert self._socket is not None
        content = marshal.dumps(request)
        head = stub.HEAD.pack(len(content), len(fds))
        if fds:
            socket.send_fds(self._socket, [head], list(fds))
        else:
            self._socket.sendall(head)
        self._socket.sendall(content)

    def _answer(self) -> bytes:
        assert self._socket is not None
        answer = self._socket.recv(stub.ANSWER.size, socket.MSG_WAITALL)
        if len(answer) < stub.ANSWER.size:
            raise ConnectionResetError(errno.ECONNRESET, "recon's fork server was killed")
        return answer


def _begin(fd: int, keep: Sequence[int]) -> int:
    words = [sys.executable, "-I", "-S", "-c", _MAIN, *map(str, keep)]
    process = subprocess.Popen(
        words,
        stdin=fd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        env={name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ},
        pass_fds=keep,
        start_new_session=True,  # Ctrl-C is not for it
    )
    process.returncode = 0  # it is reaped here, and by no other Popen (see ``spawn``)
    return process.pid


def _inherited() -> dict[str, Any]:
    """What programs must inherit, where the controller has changed it for itself."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    _, core = resource.getrlimit(resource.RLIMIT_CORE)
    limits = [
        (int(resource.RLIMIT_NOFILE), descriptors.soft_limit(), hard),
        (int(resource.RLIMIT_CORE), min(_NO_CORE, core) if core >= 0 else _NO_CORE, core),
    ]
    return {"limits": limits, "score": oomscore.of_programs()}


_server: ForkServer | None = None


def server() -> ForkServer:
    """The one of this process."""
    global _server  # noqa: PLW0603  one for the process, as its children are the process's
    if _server is None:
        _server = ForkServer()
    return _server


def prepare(keep: Sequence[int]) -> None:
    """Call once in the controller; ``keep`` are its locks. Where the server cannot be started now
    (no more processes), the first program tries again."""
    global _server  # noqa: PLW0603  one for the process, as its children are the process's
    _server = ForkServer(keep)
    with contextlib.suppress(OSError):
        _server.prepare()
