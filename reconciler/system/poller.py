"""Reports exits: the pidfds of thousands of processes, behind one reader of the loop.

An asyncio reader for each would do as well, at some 8 % of what a start takes in the controller.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a look without a controller has no loop
    import asyncio


class Poller:
    """Calls back when a process has ended, and again until it is forgotten.

    A call that raises is the loop's to tell, as a reader's is; the others are made nevertheless.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._epoll = select.epoll()
        self._calls: dict[int, tuple[Callable[..., None], *tuple[object, ...]]] = {}
        loop.add_reader(self._epoll.fileno(), self._ready)

    def watch(self, pidfd: int, call: Callable[..., None], *arguments: object) -> None:
        """``call`` once the process of ``pidfd`` has ended, also where it had before.

        Its arguments stand here and not in a function of its own, which has 120 bytes more.
        """
        self._epoll.register(pidfd, select.EPOLLIN)
        self._calls[pidfd] = (call, *arguments)

    def forget(self, pidfd: int) -> None:
        """To be called before the pidfd is closed."""
        self._epoll.unregister(pidfd)
        del self._calls[pidfd]

    def close(self) -> None:
        """Stop the reports; a second call has no effect."""
        if self._epoll.closed:
            return
        self._loop.remove_reader(self._epoll.fileno())
        self._epoll.close()
        self._calls.clear()

    def _ready(self) -> None:
        for pidfd, _ in self._epoll.poll(0):
            found = self._calls.get(pidfd)  # None: forgotten in a call before
            if found is None:
                continue
            call, *arguments = found
            try:
                call(*arguments)
            except Exception as error:
                context = {"message": "the end of a process was not handled", "exception": error}
                self._loop.call_exception_handler(context)
