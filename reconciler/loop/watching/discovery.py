"""Has folders watched that have just come to be, and what is made in them meanwhile."""

from __future__ import annotations

import asyncio
from functools import partial

from reconciler.desired.watched import treetask
from reconciler.loop.watching.content_looks import ContentLooks
from reconciler.loop.watching.hints import Hints
from reconciler.loop.watching.watched import Watched

_CALM = 0.02
"""Seconds between two looks for new folders, after one that found none."""


class Discovery:
    """Lists new folders one at a time for each app, until there are none."""

    def __init__(self, loop: asyncio.AbstractEventLoop, hints: Hints, looks: ContentLooks) -> None:
        self._loop = loop
        self._hints = hints
        self._looks = looks

    def heard_of(self, known: Watched, path: str) -> None:
        """There may be new folders at this path."""
        if not self._hints.has(path):
            known.unlisted.add(path)
            self._list(known)

    def _list(self, known: Watched) -> None:
        if known.is_over or known.is_listing or not known.unlisted:
            return
        paths, known.unlisted, known.is_listing = tuple(known.unlisted), set(), True
        answer = self._looks.ask(known, treetask.DISCOVER, (known.watching, paths))
        answer.add_done_callback(partial(self._listed, known, paths))

    def _listed(
        self, known: Watched, paths: tuple[str, ...], answer: asyncio.Future[set[str]]
    ) -> None:
        if known.is_over or answer.cancelled():
            return
        found = answer.result() if answer.exception() is None else set()
        fresh = {folder for folder in found if not self._hints.has(folder)}
        if fresh:
            self._hints.also(fresh, partial(self._watched, known, paths, fresh))
        else:
            self._loop.call_later(_CALM, self._next, known)

    def _watched(
        self, known: Watched, paths: tuple[str, ...], folders: set[str], fresh: bool
    ) -> None:
        if fresh:
            known.folders, known.folders_of = known.folders | folders, 0
            known.unlisted.update(paths)  # before they were watched more may have been made
        self._loop.call_later(0.0 if fresh else _CALM, self._next, known)

    def _next(self, known: Watched) -> None:
        known.is_listing = False
        self._list(known)
