"""The safety net: what pidfds and inotify did not tell of, and what was removed of recon's own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from reconciler.loop.declared import Declared
from reconciler.loop.running import Running
from reconciler.loop.sampling import Sampling
from reconciler.model.state.event import Event
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
        self.upkeep: list[Callable[[], Awaitable[None]]] = []
        """What others keep in the state directory, to be called as well."""

    async def watch(self) -> None:
        """Look again and again, until it is cancelled."""
        sample_at = boot_now()
        while True:
            await asyncio.sleep(_RELIST)
            now = boot_now()
            try:
                self._keep_state()
                for call in self.upkeep:
                    await call()
                if self._history.look_after():
                    self._running.recollect()
                    self._load_again()
                self._relist()
                self._declared.look_after()
                self.look_at_neighbours()
                self._running.capture.keep_catalogs()
                if now - sample_at >= _SAMPLE:
                    self._running.sample()
                    sample_at = now
                    await self._sampling.note()
            except OSError as error:  # out of files or memory: ours to bear, and to try again
                self._history.record(Event("", "FailedRelist", f"{error}; trying again", "Warning"))

    def look_at_neighbours(self) -> None:
        """Tell loudly of another controller that runs the same manifests."""
        for other in self._neighbours.look(self._declared.root_id):
            told = str(twice(other))
            self._history.record(Event("", "SharedManifests", told, "Warning"))

    def _keep_state(self) -> None:
        """Make the state directory again where it was removed, with the key of the secrets."""
        paths = self._paths
        if not paths.root.is_dir():
            told = f"the state directory {paths.root} was removed; it is made again"
            self._history.record(Event("", "StateRemoved", told, "Warning"))
            prepare(paths)
        keep_key(paths, self._key)
