"""The process that sends, seen from the loop: started when it is needed, and again when it ends.

The controller never waits for it. A line that it cannot take now is kept: one message a target is
under way at a time, so that these are few. It ends with the controller (PR_SET_PDEATHSIG), and
when its socket is closed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from reconciler.system.files.trust import SWITCH
from reconciler.system.work import child
from reconciler.system.work.worker import environment

_FIRST, _LONGEST = 1.0, 60.0
"""Seconds before it is started again: doubled each time."""
_WELL = 60.0
"""Seconds after which an earlier end does not count."""
_PIECE = 1 << 16
_LINE = 1 << 18
"""Bytes of a line of it; a longer one is a fault."""
_KEPT = (
    *("PATH", "http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", SWITCH),
)
"""Variables that it gets beside those of Python: how the network is reached, which files root
believes."""


class NotifierProcess:
    """``on_line``: a line of it. ``on_start``: it has to be given everything. ``on_end``: why it
    has ended, a sentence, and the seconds until it is started again."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        on_line: Callable[[dict[str, Any]], None],
        on_start: Callable[[], None],
        on_end: Callable[[str, float], None],
    ) -> None:
        self._loop = loop
        self._on_line, self._on_start, self._on_end = on_line, on_start, on_end
        self._socket: socket.socket | None = None
        self._pidfd = -1
        self.pid = 0
        self._received, self._unsent = bytearray(), bytearray()
        self._failures, self._started_at = 0, 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        return self._socket is not None

    def ensure(self) -> None:
        """Have it run, if it is not about to be started anyway."""
        if self._socket is None and self._timer is None:
            self._start()

    def send(self, line: dict[str, Any]) -> None:
        """A line for it; nothing where it does not run: it is given everything at its start."""
        if self._socket is not None:
            self._unsent += json.dumps(line).encode() + b"\n"
            self._writable()

    def restart(self, why: str) -> None:
        """End it, since it does not do its work; it is started again."""
        if self._socket is not None:
            self._ended(why)

    def close(self) -> None:
        """End it for good."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._kill()
        self._failures = 0

    def _start(self) -> None:
        self._timer = None
        try:
            self._socket, self.pid, self._pidfd = _start()
        except OSError as error:
            self._again(f"it cannot be started: {error.strerror or error}")
            return
        self._started_at = self._loop.time()
        self._received.clear()
        self._unsent.clear()
        self._loop.add_reader(self._socket.fileno(), self._readable)
        self._on_start()

    def _readable(self) -> None:
        assert self._socket is not None
        try:
            piece = self._socket.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._ended("it has ended")
            return
        self._received += piece
        *lines, rest = self._received.split(b"\n")
        self._received = bytearray(rest)
        try:
            found = [json.loads(line) for line in lines]
        except (ValueError, RecursionError):
            found = []
        if len(rest) > _LINE or len(found) != len(lines):
            self._ended("what it wrote cannot be read")
            return
        for line in found:
            self._on_line(line)

    def _writable(self) -> None:
        if self._socket is None:
            return
        try:
            sent = self._socket.send(self._unsent[:_PIECE]) if self._unsent else 0
        except BlockingIOError:
            sent = 0
        except OSError:  # it has ended, which is read as the end of its lines
            sent = len(self._unsent)
        del self._unsent[:sent]
        if self._unsent:
            self._loop.add_writer(self._socket.fileno(), self._writable)
        else:
            self._loop.remove_writer(self._socket.fileno())

    def _ended(self, why: str) -> None:
        if self._loop.time() - self._started_at >= _WELL:
            self._failures = 0
        self._kill()
        self._again(why)

    def _again(self, why: str) -> None:
        wait = min(_FIRST * 2**self._failures, _LONGEST)
        self._failures = min(self._failures + 1, 10)
        self._timer = self._loop.call_later(wait, self._start)
        self._on_end(why, wait)

    def _kill(self) -> None:
        if self._socket is None:
            return
        self._loop.remove_reader(self._socket.fileno())
        self._loop.remove_writer(self._socket.fileno())
        self._socket.close()
        self._socket = None
        self.pid = 0
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGKILL)
        self._loop.add_reader(self._pidfd, self._reap, self._pidfd)

    def _reap(self, pidfd: int) -> None:
        self._loop.remove_reader(pidfd)
        with contextlib.suppress(ChildProcessError):  # as PID 1 recon reaps strangers, and this
            os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
        os.close(pidfd)


def _start() -> tuple[socket.socket, int, int]:
    """A new notifier: its socket, its pid and a pidfd. OSError."""
    words = [str(os.getpid())]
    made = child.start("reconciler.notify", words, _environment(), is_quiet=True)
    made.socket.setblocking(False)
    return made.socket, made.pid, made.pidfd


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    return environment(os.environ) | kept
