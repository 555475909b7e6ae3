"""Calls that may never return, made beside the caller, who waits for them for a bounded time.

``/proc/PID/environ`` takes a lock of that process's memory, and the process can keep the lock
forever (it reads memory that a FUSE server of its own never fills in). No signal and no O_NONBLOCK
ends such a call. So it is made in a thread: what does not answer within ``patience`` is given up,
and the thread is left to itself until the kernel lets it go, or recon ends.

Each ``Aside`` bears ``most`` such threads. While there are so many it makes no more calls, so that
what a user can do to it costs a bounded time once, and not at each look.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from reconciler.system.work import threads

T = TypeVar("T")
R = TypeVar("R")


class Aside:
    """Makes calls, and abandons those that hang."""

    def __init__(self, patience: float = 0.1, most: int = 2) -> None:
        self._patience = patience
        self._most = most
        self._stuck: list[threading.Thread] = []

    @property
    def stuck(self) -> int:
        """How many calls hang at this moment."""
        self._stuck = [thread for thread in self._stuck if thread.is_alive()]
        return len(self._stuck)

    def each(self, call: Callable[[T], R], items: Sequence[T]) -> dict[T, R]:
        """The results by item; those that did not answer are left out. Raises what a call raises,
        and OSError where no thread is available."""
        results: dict[T, R] = {}
        while items and self.stuck < self._most:
            run = _Run(call, items)
            if not run.wait(self._patience):
                self._stuck.append(run.thread)
            results.update(run.results)
            if run.error is not None:
                raise run.error
            items = items[run.at + 1 :]
        return results


class _Run(Generic[T, R]):
    """One thread, and the calls that it makes one after the other."""

    def __init__(self, call: Callable[[T], R], items: Sequence[T]) -> None:
        self._call = call
        self._items = items
        self._given_up = False
        self._finished = threading.Event()
        self.at = 0
        """The item in hand, or the last one."""
        self.results: dict[T, R] = {}
        self.error: Exception | None = None
        self.thread = threads.start(self._work, name="aside")

    def wait(self, patience: float) -> bool:
        """Whether all is done; False once one call has taken longer than ``patience``."""
        before = -1
        while not self._finished.wait(patience):
            if self.at == before:
                self._given_up = True
                return False
            before = self.at
        return True

    def _work(self) -> None:
        try:
            for at, item in enumerate(self._items):
                if self._given_up:
                    return
                self.at = at
                self.results[item] = self._call(item)
        except Exception as error:  # the caller judges it
            self.error = error
        finally:
            self._finished.set()
