"""Looks at the manifests, and at the files that they refer to, which never hold up the loop.

A look is made by a thread on a draft of the store (``system/work/look.py``), which takes the place
of the store when it has succeeded. Until then what is declared is what it was. Where a path does
not answer the look is given up, and made again without that path: the files that refer to it keep
their last good version, with a problem that names it, and all others are read as usual.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import TypeVar

from reconciler.desired.directory.store import ManifestStore
from reconciler.loop.watching.answers import Answers
from reconciler.system.work.look import CHECK, Look, Looker

R = TypeVar("R")
_log = logging.getLogger(__name__)
_NO_THREAD = (
    "the manifests cannot be read, since no thread can be started (RLIMIT_NPROC, pids.max); "
    "trying again"
)


class Reader:
    """One look at a time; ``store`` is as of the last one."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, answers: Answers, store: ManifestStore
    ) -> None:
        self._loop = loop
        self._answers = answers
        self._looker = Looker()
        self._turn = asyncio.Lock()
        self.store = store

    async def look(self, work: Callable[[ManifestStore], R]) -> R:
        """What ``work`` makes of a draft of the store, which is the store from then on."""

        def call() -> tuple[ManifestStore, R]:
            draft = self.store.draft()
            return draft, work(draft)

        async with self._turn:
            while (look := await self._made(call)) is None:
                pass
            self.store, result = look.result()
            return result

    def close(self) -> None:
        self._looker.close()

    async def _made(self, call: Callable[[], R]) -> Look[R] | None:
        """A look that has come to its end; None where it was given up."""
        ended: asyncio.Future[None] = self._loop.create_future()

        def end() -> None:
            if not ended.done():
                ended.set_result(None)

        def done() -> None:
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                self._loop.call_soon_threadsafe(end)

        def check() -> None:
            if ended.done():
                return
            if look.is_stuck():
                self._answers.missing(self._looker.give_up(look))
                end()
            self._loop.call_later(CHECK, check)

        look = await self._begun(call, done)
        self._loop.call_later(CHECK, check)
        await ended
        return None if look.visit.given_up else look

    async def _begun(self, call: Callable[[], R], done: Callable[[], None]) -> Look[R]:
        """A look, as soon as there is a thread for it: what is declared stays what it is."""
        refused: OSError | None = None
        while True:
            if self._looker.may_begin:
                try:
                    return self._looker.begin(call, done, self._answers.unanswered)
                except OSError as error:  # no more threads just now
                    if refused is None:
                        _log.warning("%s: %s", _NO_THREAD, error)
                    refused = error
            await asyncio.sleep(CHECK)
