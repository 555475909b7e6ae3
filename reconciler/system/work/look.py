"""Looks at paths that users name, by a thread that may have to be left behind.

A thread in the kernel cannot be ended, but it blocks no other: it waits without the interpreter.
So a look that stands at one path for ``PATIENCE`` is given up, its thread is left to the kernel,
and the next look leaves that path out: it gets ``UnansweredError`` there (``door``), and all other
paths are looked at as usual. ``MOST_STUCK`` threads may be left behind; then looks wait until one
of them returns.

A look must change nothing that others see before it has succeeded.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Callable
from queue import SimpleQueue
from typing import Generic, TypeVar

from reconciler.system.files import mountinfo
from reconciler.system.work import door, threads
from reconciler.system.work.door import GivenUp, UnansweredError, Visit
from reconciler.system.work.session import Session

R = TypeVar("R")

PATIENCE = 2.0
"""Seconds that a look may stand at one path."""
CHECK = PATIENCE / 2
"""Seconds between two looks at where it stands."""
ANSWER = f"{__name__}:answer"
MOST_STUCK = 4
"""Threads of one kind that are left behind at most."""


class Look(Generic[R]):
    """One look under way. Its thread writes, and calls ``done`` at the end."""

    def __init__(
        self, call: Callable[[], R], done: Callable[[], None], unanswered: frozenset[str]
    ) -> None:
        self._call = call
        self._done = done
        self.visit = Visit(unanswered)
        self._results: list[R] = []
        self._error: Exception | None = None

    def run(self) -> bool:
        """Make the look, in the thread; False where no caller waits for it any more."""
        with door.visiting(self.visit):
            try:
                self._results.append(self._call())
            except GivenUp:
                return False
            except Exception as error:  # the caller judges it
                self._error = error
        self._done()
        return not self.visit.given_up

    def result(self) -> R:
        """What the call returned. Raises what it raised."""
        if self._error is not None:
            raise self._error
        return self._results[0]

    def is_stuck(self) -> bool:
        """Whether it stands where it stood when this was asked last."""
        return self.visit.stands_still()


class Looker:
    """Makes looks one after the other. Not for several callers at a time."""

    def __init__(self) -> None:
        self._looks: SimpleQueue[Look[object] | None] | None = None
        self._thread: threading.Thread | None = None
        self._stuck: list[threading.Thread] = []

    @property
    def may_begin(self) -> bool:
        """Whether there is a thread for another look."""
        self._stuck = [thread for thread in self._stuck if thread.is_alive()]
        return len(self._stuck) < MOST_STUCK

    def begin(
        self, call: Callable[[], R], done: Callable[[], None], unanswered: frozenset[str]
    ) -> Look[R]:
        """Begin a look, which leaves these paths out. ``done`` is called by its thread.

        OSError where there can be no thread.
        """
        if self._looks is None:
            looks: SimpleQueue[Look[object] | None] = SimpleQueue()
            self._thread = threads.start(_serve, (looks,), name="look")
            self._looks = looks
        look: Look[R] = Look(call, done, unanswered)
        self._looks.put(look)  # type: ignore[arg-type]  # the thread asks for no result
        return look

    def give_up(self, look: Look[R]) -> str:
        """Leave a look that is stuck to its thread; the path that it stands at."""
        assert self._thread is not None
        path = look.visit.at
        look.visit.given_up = True
        self._stuck.append(self._thread)
        self._looks = self._thread = None
        return path

    def close(self) -> None:
        """Let the thread end."""
        if self._looks is not None:
            self._looks.put(None)
        self._looks = self._thread = None

    def run(self, call: Callable[[], R]) -> R:
        """What ``call`` returns, for a caller who can wait. UnansweredError where too many paths
        do not answer."""
        unanswered: frozenset[str] = frozenset()
        while self.may_begin:
            ended = threading.Event()
            look = self.begin(call, ended.set, unanswered)
            while not ended.wait(CHECK):
                if look.is_stuck():
                    unanswered |= {reach(self.give_up(look))}
                    break
            else:
                return look.result()
        raise UnansweredError(", ".join(sorted(unanswered)))


def patiently(call: Callable[[], R]) -> R:
    """What ``call`` returns, for a caller who can wait, as at a terminal: it is made again without
    the paths that do not answer. UnansweredError where these are too many."""
    looker = Looker()
    try:
        return looker.run(call)
    finally:
        looker.close()


def reach(path: str) -> str:
    """What does not answer where ``path`` does not: the file system that it lies in, if that is a
    network's."""
    with open(mountinfo.PATH, "rb") as file:
        mount = mountinfo.holding(path, file.read())
    if mount is None or mount.is_local:
        return path
    return mount.point


def answer(path: str, session: Session) -> bool:
    """Touch a path as a look would: a task of a worker process, which is killed if that hangs."""
    session.at(path)
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            with os.scandir(path) as entries:
                next(entries, None)
        elif stat.S_ISREG(mode):
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
            try:
                os.read(descriptor, 1)
            finally:
                os.close(descriptor)
    except OSError:
        pass  # that is an answer as well
    return True


def _serve(looks: SimpleQueue[Look[object] | None]) -> None:
    while (look := looks.get()) is not None and look.run():
        pass
