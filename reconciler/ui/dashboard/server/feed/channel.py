"""One page as it changes, for all browsers that show it.

No queue a browser: the channel keeps its last ``_KEPT`` states, a browser has one of them, and is
sent what leads from there to the newest. So a slow browser leaves states out, and costs nothing.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from typing import Any

from reconciler.ui.dashboard.views.pieces import Pieces, delta

_KEPT = 8


class Channel:
    """The states of one page, by their names. Only used in the event loop."""

    def __init__(self) -> None:
        self._born = secrets.token_hex(4)
        self._count = 0
        self._states: OrderedDict[str, Pieces] = OrderedDict()
        self._changed = asyncio.Event()
        self.followers = 0
        self.number = -1
        """Of the snapshot that the newest state was made of."""
        self.turn = asyncio.Lock()

    @property
    def newest(self) -> tuple[str, Pieces]:
        """The newest state and its name. An empty page where there is none yet."""
        if not self._states:
            return "", Pieces()
        name = next(reversed(self._states))
        return name, self._states[name]

    def publish(self, pieces: Pieces) -> None:
        """Another state, where it is another."""
        if self._states and delta(self.newest[1], pieces) == {}:
            return
        self._count += 1
        self._states[f"{self._born}-{self._count}"] = pieces
        while len(self._states) > _KEPT:
            self._states.popitem(last=False)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def after(self, name: str) -> tuple[str, dict[str, Any]]:
        """The name of the newest state and what leads there from the state ``name``; waits while
        that is the newest. From a state that is not kept any more, everything leads there."""
        while self._states and next(reversed(self._states)) == name:
            await self._changed.wait()
        newest, pieces = self.newest
        return newest, delta(self._states.get(name, Pieces()), pieces)
