"""Keeps the FIFOs of all instances open while no controller runs.

A FIFO's bytes are gone when the last process that has it open ends. A program holds its own, so
only one that ends while no controller runs could lose what it wrote last. So each descriptor is
also sent into a socket (SCM_RIGHTS), where it is never read: the kernel keeps what is on its way
open as long as the socket is. And the socket is kept by a process that does nothing
(``holder_process``). To hold one more instance takes one system call of 3 µs, made before its
program is started, and an idle instance costs nothing.

The queue is first in, first out. What has ended is let go of in batches: what still lives is sent
again, behind, and only then the old messages are taken off the front. So at every instant all that
lives is held.

A holder lives no longer than one controller's successor: that opens all FIFOs by their names, has
them held by a holder of its own, writes down what is left of the processes that ended, and then
ends the earlier holder (``supersede``). Nothing has to be found in the old queue.
"""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import socket
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress

from reconciler.logs.write import holder_process
from reconciler.model.host.held import Held

MOST = 253
"""Descriptors that one message can have (SCM_MAX_FD)."""
_MESSAGES = 128
"""Small ones that wait in the queue before they are made into large ones: 277 fit into the smallest
queue that Linux makes."""
_ENDED, _SHARE = 16, 16
"""Descriptors of ended processes that may be held, and one more for so many that live."""
_FIRST_RETRY, _LAST_RETRY = 1.0, 30.0
"""Seconds between tries to start the process; each wait is twice the one before."""
_AT_ONCE = 0.02
"""Seconds that the loop waits for the end of earlier holders; what takes longer is awaited."""
_LONG = 60.0
"""Seconds after which a process that was killed is replaced at once."""


class Holder:
    """The queue of one controller, and the process that keeps it. Starts with the first FIFO.

    This controller has the queue open itself. So a process that was killed is replaced, and nothing
    has to be sent again; what is lost is only what both of them held when both are killed at once.
    """

    def __init__(self, store: str, loop: asyncio.AbstractEventLoop) -> None:
        self._store = store
        self._loop = loop
        self._near: socket.socket | None = None
        self._far: socket.socket | None = None
        self._messages: deque[list[int]] = deque()
        """What still lives of each message in the queue."""
        self._message_of: dict[int, list[int]] = {}
        self._ended = 0
        self._refused: set[int] = set()
        self._commands = holder_process.commands()
        self._pid = 0
        self._pidfd = -1
        self._began = 0.0
        self._delay = 0.0
        self._ends = 0
        self._reason: str | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._endings: list[_Ending] = []

    @property
    def pid(self) -> int:
        """Of the process; 0 while there is none."""
        return self._pid

    @property
    def refused(self) -> int:
        """Descriptors that the kernel does not hold: this user has too many on their way."""
        return len(self._refused)

    def facts(self) -> Held:
        """How it is, for `recon doctor`."""
        streams = len(self._message_of) + len(self._refused)
        reason = self._reason if self._refused or not self._pid else None
        limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return Held(streams, self.refused, self._pid or None, self._ends, reason, limit)

    def hold(self, fds: Sequence[int]) -> None:
        """Keep these open, whatever becomes of this process; what does not fit is only noted."""
        fds = [fd for fd in fds if fd not in self._message_of]
        if not fds:
            return
        if self._near is None and not self._open():
            self._refused.update(fds)
            return
        if len(self._messages) > _MESSAGES + 2 * len(self._message_of) // MOST:
            self._renew_all()
        for first in range(0, len(fds), MOST):
            part = fds[first : first + MOST]
            if not self._send(part):
                self._refused.update(fds[first:])
                return
        if self._refused:
            self._hold_refused()

    def drop(self, fd: int) -> None:
        """Let go of one, before it is closed here."""
        self._refused.discard(fd)
        message = self._message_of.pop(fd, None)
        if message is None:
            return
        message.remove(fd)
        self._ended += 1
        if self._refused or self._ended > _ENDED + len(self._message_of) // _SHARE:
            self._renew_all()

    def lend(self, fds: Sequence[int]) -> None:
        """Keep up to ``MOST`` of these open for a moment: they may be closed here at once."""
        if fds and (self._near is not None or self._open()) and self._send(fds):
            for fd in fds:
                del self._message_of[fd]
            self._messages[-1].clear()
            self._ended += len(fds)

    def supersede(self, then: Callable[[], None]) -> None:
        """End the holders of earlier controllers: all that is still needed is held here. ``then``
        once all of them have let go, as a rule at once. OSError where this process has no more
        files."""

        def ended() -> None:
            if self._near is not None:  # those had room that was lacking here
                self._hold_refused()
            then()

        ending = _Ending(self._loop, ended)
        ending.follow(holder_process.kill_all(self._store, self._pid))
        self._endings.append(ending)

    def close(self, *, needed: bool) -> None:
        """Leave the process to the next controller, or end it where nothing is ``needed``."""
        if self._timer is not None:
            self._timer.cancel()
        for ending in self._endings:
            ending.close()
        if self._pidfd >= 0:
            self._loop.remove_reader(self._pidfd)
            if not needed:
                holder_process.end(self._pidfd)
                self._reap()
            os.close(self._pidfd)
        self._pid, self._pidfd = 0, -1
        for end in (self._near, self._far):
            if end is not None:
                end.close()
        self._near = self._far = None

    # -- the queue -----------------------------------------------------------------------------

    def _open(self) -> bool:
        try:
            near, far = socket.socketpair()
        except OSError as error:  # no more files
            self._note(error)
            return False
        near.setblocking(False)
        far.setblocking(False)
        self._near, self._far = near, far
        self._begin()
        return True

    def _send(self, fds: Sequence[int]) -> bool:
        assert self._near is not None
        try:
            socket.send_fds(self._near, [b"."], fds)
        except OSError as error:  # ETOOMANYREFS, EAGAIN
            self._note(error)
            return False
        message = list(fds)
        self._messages.append(message)
        for fd in message:
            self._message_of[fd] = message
        return True

    def _note(self, error: OSError) -> None:
        self._reason = errno.errorcode.get(error.errno or 0, str(error))

    def _renew_all(self) -> None:
        """Send what lives again, in large messages, and take those before off the front."""
        self._ended = 0
        while self._messages and not self._messages[0]:  # which takes no room first
            self._renew((), 1)
        lives: list[int] = []
        count = 0
        for message in [*self._messages]:
            if len(lives) + len(message) > MOST:
                if not self._renew(lives, count):
                    return
                lives, count = [], 0
            lives += message
            count += 1
        if self._renew(lives, count):
            self._hold_refused()

    def _renew(self, lives: Sequence[int], count: int) -> bool:
        """False where there is no room: then the old messages stay."""
        assert self._far is not None
        if lives and not self._send(lives):
            return False
        for _ in range(count):
            self._far.recv(1)  # without room for descriptors: the kernel lets go of them
            self._messages.popleft()
        return True

    def _hold_refused(self) -> None:
        again = sorted(self._refused)
        for first in range(0, len(again), MOST):
            part = again[first : first + MOST]
            if not self._send(part):
                return
            self._refused.difference_update(part)

    # -- the process ---------------------------------------------------------------------------

    def _begin(self) -> None:
        assert self._far is not None
        self._began = time.monotonic()
        try:
            started = holder_process.start(self._store, self._commands[0], self._far.fileno())
        except OSError as error:  # no more processes just now
            self._note(error)
            self._begin_later()
            return
        self._pid, self._pidfd = started
        self._loop.add_reader(self._pidfd, self._gone)

    def _begin_later(self) -> None:
        if time.monotonic() - self._began > _LONG:
            self._delay = 0.0
        self._timer = self._loop.call_later(self._delay, self._begin)
        self._delay = min(_LAST_RETRY, max(_FIRST_RETRY, 2 * self._delay))

    def _gone(self) -> None:
        """It was killed; or its program cannot wait, and the next one is tried."""
        self._loop.remove_reader(self._pidfd)
        exited = self._reap()
        self._ends += 1
        os.close(self._pidfd)
        self._pid, self._pidfd = 0, -1
        if exited and len(self._commands) > 1:
            del self._commands[0]
        self._begin_later()

    def _reap(self) -> bool:
        """Whether it exited by itself."""
        with suppress(ChildProcessError):
            result = os.waitid(os.P_PIDFD, self._pidfd, os.WEXITED | os.WNOHANG)
            return result is not None and result.si_code == os.CLD_EXITED
        return False


class _Ending:
    """Waits until some processes that were killed have ended, then calls ``then`` once."""

    def __init__(self, loop: asyncio.AbstractEventLoop, then: Callable[[], None]) -> None:
        self._loop = loop
        self._then = then
        self._pidfds: set[int] = set()

    def follow(self, pidfds: Iterable[int]) -> None:
        """These are the processes; the pidfds are closed here."""
        until = time.monotonic() + _AT_ONCE
        for pidfd in pidfds:
            if holder_process.has_ended(pidfd, max(0.0, until - time.monotonic())):
                os.close(pidfd)
            else:
                self._pidfds.add(pidfd)
                self._loop.add_reader(pidfd, self._ended, pidfd)
        if not self._pidfds:
            self._then()

    def close(self) -> None:
        """Wait no more."""
        for pidfd in self._pidfds:
            self._loop.remove_reader(pidfd)
            os.close(pidfd)
        self._pidfds.clear()

    def _ended(self, pidfd: int) -> None:
        self._loop.remove_reader(pidfd)
        self._pidfds.discard(pidfd)
        os.close(pidfd)
        if not self._pidfds:
            self._then()


def holder_of(store: str, loop: asyncio.AbstractEventLoop) -> Holder | None:
    """None for the first process of a container: all others end with it."""
    return None if os.getpid() == 1 else Holder(store, loop)
