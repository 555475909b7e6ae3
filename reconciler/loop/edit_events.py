"""Edits of manifests, as events: which fields, and at which commit of their repository.

They are told a moment after the edit and off its path, so that an editor's or git's writing has
come to rest, and what was read half for a moment is not an edit.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from reconciler.desired.git.head import commit_of
from reconciler.diff.status.fields import edited_fields
from reconciler.model.state.builder import built_by
from reconciler.model.state.desired import Workload
from reconciler.model.state.event import Actor, Event
from reconciler.model.state.reason import EventReason
from reconciler.system.work.door import UnansweredError

_REST = 0.5
"""Seconds after the first of several edits."""
_MOST = 50
"""Apps of one edit that are told of by name."""
_FIELDS = 5
_AT_ONCE = 20

Ask = Callable[[Callable[[], str]], Awaitable[str]]


class EditEvents:
    """Notes what has changed, and tells it. ``ask`` makes a call that touches users' paths."""

    def __init__(
        self,
        root: Path,
        loop: asyncio.AbstractEventLoop,
        ask: Ask,
        *,
        apps: Callable[[], Mapping[str, Workload]],
        on_event: Callable[[Event], object],
    ) -> None:
        self._root = root
        self._loop = loop
        self._ask = ask
        self._apps = apps
        self._on_event = on_event
        self._by: dict[str, Actor] = {}
        """The users whose requests edit these apps just now."""
        self._known: dict[str, Workload] | None = None
        """As they were when they were told of last; None: what is loaded first is not an edit."""
        self._changed: dict[str, None] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """All is loaded: from now on what changes is an edit."""
        self._known = {**self._apps()}

    def changed(self, names: Iterable[str]) -> None:
        """Of these apps the declaration is another now."""
        if self._known is None:
            return
        self._changed |= dict.fromkeys(names)
        if self._changed and self._timer is None:
            self._timer = self._loop.call_later(_REST, self._due)

    async def expect(self, name: str, by: Actor) -> None:
        """Edits of this app are a user's, who has requested one, until ``settle``. One by hand
        that was not told of yet is told of first."""
        await self.settle(name)
        self._by[name] = by

    async def settle(self, name: str) -> None:
        """The requested edit was made and read, or not: tell of it at once."""
        by = self._by.pop(name, None)
        self._changed.pop(name, None)
        edit = self._edit(name) if self._known is not None else None
        if edit is not None:
            commit = await self._commit()
            by = replace(by, commit=commit) if by is not None else Actor("edit", commit=commit)
            self._on_event(Event(name, EventReason.MANIFEST_CHANGED, edit[1], by=by))

    def close(self) -> None:
        """What is not told yet is not told."""
        for pending in (self._timer, self._task):
            if pending is not None:
                pending.cancel()

    def _due(self) -> None:
        self._task = self._loop.create_task(self._tell())

    async def _tell(self) -> None:
        """Tell what differs from when it was told last; edits meanwhile are told next."""
        names, self._changed, self._timer = self._changed, {}, None
        edits: list[tuple[str, str]] = []
        for count, name in enumerate(names, 1):
            edit = self._edit(name)
            edits += [edit] if edit is not None else []
            if count % _AT_ONCE == 0:  # each may take a tenth of a millisecond
                await asyncio.sleep(0)
        if not edits:
            return
        by = Actor("edit", commit=await self._commit())
        for name, message in edits[:_MOST]:
            own = self._by.get(name)
            actor = by if own is None else replace(own, commit=by.commit)
            self._on_event(Event(name, EventReason.MANIFEST_CHANGED, message, by=actor))
        if len(edits) > _MOST:
            message = f"{len(edits) - _MOST:,} more apps were changed by the same edit"
            self._on_event(Event("", EventReason.MANIFEST_CHANGED, message, by=by))

    async def _commit(self) -> str:
        try:
            return await self._ask(partial(commit_of, self._root))
        except (OSError, UnansweredError):
            return ""

    def _edit(self, name: str) -> tuple[str, str] | None:
        """An app and what was edited of it; None where nothing was, or recon itself made it."""
        assert self._known is not None
        before, after = self._known.get(name), self._apps().get(name)
        if after is None:
            self._known.pop(name, None)
        else:
            self._known[name] = after
        if built_by(name) is not None or before is after:
            return None
        message = _difference(before, after)
        return (name, message) if message else None


def _difference(before: Workload | None, after: Workload | None) -> str:
    """The edit, a sentence; empty where only files that it refers to have changed."""
    if after is None:
        return "the manifest no longer declares it"
    place = f"{after.source.file.rpartition('/')[2]}:{after.source.line}"
    if before is None:
        return f"{place} declares it"
    fields = edited_fields(before, after)
    if not fields:
        return ""
    more = f" and {len(fields) - _FIELDS} more" if len(fields) > _FIELDS else ""
    return f"{place} was edited: {', '.join(fields[:_FIELDS])}{more}"
