"""The result of a stub: it has become its program, or it reports why it could not.

The stub holds the other end of a pair of sockets, which an exec closes. So the end of the file
says that the program runs, unless the stub has ended: what is left of a dead process is its name,
and an exec changes that.
"""

from __future__ import annotations

import marshal
import os
import time
from collections.abc import Callable
from typing import NamedTuple

from reconciler.converge.process import stub
from reconciler.system.exec_errors import EXEC, SpawnError

_SIZE = 1 << 14
_LOOKS, _BETWEEN = 100, 0.00005


class Failure(NamedTuple):
    """What a stub failed at, the error that it met, and what it makes of it."""

    stage: int
    error: OSError
    message: str = ""
    remedy: str = ""


class Report:
    """The report of one stub; without a ``channel`` it was a program from the beginning.

    ``explain`` makes a sentence of what a stub failed at.
    """

    def __init__(
        self,
        channel: int,
        pid: int,
        pidfd: int,
        explain: Callable[[Failure], SpawnError] | None = None,
    ) -> None:
        self._channel = channel
        self._pid = pid
        self._pidfd = pidfd
        self._explain = explain
        self.settled = channel < 0
        """It is known what has become of the stub."""
        self.failure: SpawnError | None = None
        """Why it could not become its program."""

    def fileno(self) -> int:
        """A descriptor that is readable when there is something to ``look`` at; -1 once closed."""
        return self._channel

    def admit(self) -> None:
        """Let a stub go on that waits for its limits. One that has ended has sent its report."""
        try:
            os.write(self._channel, b"\n")
        except (BrokenPipeError, ConnectionResetError):
            pass

    def look(self) -> bool:
        """Whether it is settled by now, or was before. It is the caller's to close nevertheless."""
        if self.settled:
            return True
        try:
            word = os.read(self._channel, _SIZE)
        except BlockingIOError:
            return False
        except ConnectionResetError:  # it ended before it read our word
            word = b""
        self.settled = True
        assert self._explain is not None
        if word:
            self.failure = self._explain(_parse(word))
        elif self._died():
            self.failure = self._explain(Failure(EXEC, OSError(0, "it was killed")))
        return True

    def close(self) -> None:
        """Hear no more of it; a stub that has yet to exec ends instead."""
        if self._channel >= 0:
            os.close(self._channel)
            self._channel = -1

    def _died(self) -> bool:
        """Whether the stub ended as a stub. It is a child of ours, and not reaped.

        Both an exec and an end close the channel some microseconds before they can be seen.
        """
        flags = os.WEXITED | os.WNOHANG | os.WNOWAIT
        try:
            for _ in range(_LOOKS):
                if not self._is_stub():
                    return False
                if os.waitid(os.P_PIDFD, self._pidfd, flags) is not None:
                    return self._is_stub()
                time.sleep(_BETWEEN)
        except OSError:  # another caller has reaped it
            pass
        return False

    def _is_stub(self) -> bool:
        with open(f"/proc/{self._pid}/stat", "rb") as file:
            return file.read(64).partition(b" (")[2].startswith(stub.NAME + b")")


def _parse(word: bytes) -> Failure:
    stage, number, name, *texts = marshal.loads(word)
    message, remedy = (text.decode() for text in texts)
    filename = None if name is None else os.fsdecode(name)
    error = OSError(number, message or os.strerror(number), filename)
    return Failure(stage, error, message, remedy)
