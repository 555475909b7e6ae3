"""The safety net: what pidfds and inotify did not tell of, and what was removed of recon's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from reconciler.loop.manifests.declared import Declared
from reconciler.loop.processes.running import Running
from reconciler.loop.processes.sampling import Sampling
from reconciler.model.state.event import Event
from reconciler.model.state.reason import EventReason
from reconciler.state.history import History
from reconciler.state.neighbours import Neighbours, twice
from reconciler.state.paths import StatePaths, keep_key, prepare
from reconciler.system.clock import boot_now

_RELIST = 5.0
"""Seconds from one look at everything to the next."""
_SAMPLE = 15.0
"""Seconds between looks at states that give no event at all."""


class SafetyNet:
    """Looks after all that may have gone unnoticed.

    ``relist`` looks for processes, ``load_again`` takes over what could not be read at first.
    """

    def __init__(
        self,
        declared: Declared,
        running: Running,
        history: History,
        sampling: Sampling,
        neighbours: Neighbours,
        *,
        paths: StatePaths,
        key: bytes | None,
        relist: Callable[[], None],
        load_again: Callable[[], None],
    ) -> None:
        self._declared = declared
        self._running = running
        self._history = history
        self._sampling = sampling
        self._neighbours = neighbours
        self._paths = paths
        self._key = key
        self._relist = relist
        self._load_again = load_again
        self._sampled_at = boot_now()
        self.upkeep: list[Callable[[], Awaitable[None]]] = []
        """What others keep in the state directory, to be called as well."""

    async def watch(self) -> None:
        """Look again and again, until it is cancelled. Trouble with one step is none for others."""
        while True:
            await asyncio.sleep(_RELIST)
            for step in (self._keep_state, self._keep_others, self._look):
                try:
                    await step()
                except OSError as error:  # out of files or memory, or of disk: it comes again
                    message = f"{error}; trying again"
                    self._history.record(Event("", EventReason.FAILED_RELIST, message, "Warning"))

    async def _look(self) -> None:
        if self._history.look_after():
            self._running.recollect()
            self._load_again()
        self._relist()
        self._declared.look_after()
        self.look_at_neighbours()
        self._running.capture.keep_catalogs()
        now = boot_now()
        if now - self._sampled_at >= _SAMPLE:
            self._running.sample()
            self._sampled_at = now
            await self._sampling.note()

    def look_at_neighbours(self) -> None:
        """Tell loudly of another controller that runs the same manifests."""
        for other in self._neighbours.look(self._declared.root_id):
            message = str(twice(other))
            self._history.record(Event("", EventReason.SHARED_MANIFESTS, message, "Warning"))

    async def _keep_others(self) -> None:
        for call in self.upkeep:
            await call()

    async def _keep_state(self) -> None:
        """Make the state directory again where it was removed, with the key of the secrets."""
        paths = self._paths
        if not paths.root.is_dir():
            message = f"the state directory {paths.root} was removed; recon creates it again"
            self._history.record(Event("", EventReason.STATE_REMOVED, message, "Warning"))
            prepare(paths)
        keep_key(paths, self._key)
