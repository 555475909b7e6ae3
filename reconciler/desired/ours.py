"""What recon itself writes: never content of what an app watches, wherever it lies.

Its own folders, and all logs at declared places: the app's own and those of others, rotated ones,
and such as are not declared any more. Known by name, so that a log which is about to be made is
left out as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from reconciler.model import logname
from reconciler.system import door

_MOST = 10_000
NOTHING: Mapping[str, str] = MappingProxyType({})


class Ours:
    """Folders, and places of logs. May be told of more at any time."""

    def __init__(self, folders: Iterable[str] = (), logs: Iterable[str] = ()) -> None:
        """Absolute paths; ``logs`` as ``logname`` has places."""
        self._folders = frozenset(map(door.realpath, folders))
        self._logs: dict[str, set[str]] = {}
        self._real: dict[str, str] = {}
        self.version = 0
        """Another number wherever there is more than before."""
        self.add_logs(logs)

    def __getstate__(self) -> dict[str, object]:
        """For a worker process: without what was looked up here."""
        return {**self.__dict__, "_real": {}}

    def add_logs(self, places: Iterable[str], real: Mapping[str, str] = NOTHING) -> None:
        """``real``: by folder of a place, where its links lead, as far as that is known."""
        for place in places:
            folder, name = os.path.split(place)
            names = self._logs.setdefault(real.get(folder) or door.realpath(folder), set())
            if name not in names:
                names.add(name)
                self._real.clear()
                self.version += 1

    def has_folder(self, folder: str) -> bool:
        """Whether it is one of recon's own."""
        return door.realpath(folder) in self._folders

    def logs_in(self, folder: str) -> frozenset[str]:
        """The places of logs in a folder, by name."""
        return frozenset(self._logs.get(door.realpath(folder), ())) if self._logs else frozenset()

    def is_log(self, path: str) -> bool:
        """Whether a file is a log, by its absolute path. Cheap: asked at each write somewhere."""
        if not self._logs:
            return False
        folder, name = os.path.split(path)
        real = self._real.get(folder)
        if real is None:
            if len(self._real) > _MOST:
                self._real.clear()
            real = self._real[folder] = door.realpath(folder)
        return is_one_of(self._logs.get(real, ()), name)


def is_one_of(places: Iterable[str], name: str) -> bool:
    """Whether a file of this name is a log of one of these places, current or rotated."""
    if not places:
        return False
    return any(logname.parse(place, name.removesuffix(".tmp")) is not None for place in places)
