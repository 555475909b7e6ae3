"""What recon itself writes: never content of what an app watches, wherever it lies.

Its own folders, and all logs at declared places: the app's own and those of others, rotated ones,
and such as are not declared any more. Known by name, so that a log which is about to be made is
left out as well.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from reconciler.model.words import logname
from reconciler.system.work import door

_MOST = 10_000


class OwnFiles:
    """Folders, and places of logs. May be told of more at any time, and asked by other threads:
    who asks touches paths, who tells does not."""

    def __init__(self, folders: Iterable[str] = (), logs: Iterable[str] = ()) -> None:
        """Absolute paths; ``logs`` as ``logname`` has places."""
        self._folders = frozenset(map(door.realpath, folders))
        self._places: frozenset[str] = frozenset()
        self._found = _Found(frozenset())
        self._real: dict[str, str] = {}
        self.version = 0
        """Another number wherever there is more than before."""
        self.add_logs(logs)

    def __getstate__(self) -> dict[str, object]:
        """For a worker process: without what was looked up here."""
        return {**self.__dict__, "_real": {}, "_found": _Found(frozenset())}

    def add_logs(self, places: Iterable[str]) -> None:
        more = self._places.union(places)
        if len(more) > len(self._places):
            self._places = more
            self.version += 1

    def has_folder(self, folder: str) -> bool:
        """Whether it is one of recon's own."""
        return door.realpath(folder) in self._folders

    def logs_in(self, folder: str) -> frozenset[str]:
        """The places of logs in a folder, by name."""
        return self._logs().get(door.realpath(folder), frozenset()) if self._places else frozenset()

    def is_log(self, path: str) -> bool:
        """Whether a file is a log, by its absolute path. Cheap: asked at each write somewhere."""
        if not self._places:
            return False
        logs = self._logs()
        folder, name = os.path.split(path)
        real = self._real.get(folder)
        if real is None:
            if len(self._real) > _MOST:
                self._real.clear()
            real = self._real[folder] = door.realpath(folder)
        return is_one_of(logs.get(real, ()), name)

    def _logs(self) -> Mapping[str, frozenset[str]]:
        """By folder, where its links lead, the names of places."""
        if self._found.of is not self._places:
            of, logs = self._places, dict[str, set[str]]()
            for place in of:
                folder, name = os.path.split(place)
                logs.setdefault(folder, set()).add(name)
            real: dict[str, frozenset[str]] = {}
            for folder, names in logs.items():
                where = door.realpath(folder)
                real[where] = real.get(where, frozenset()) | names
            self._real = {}
            self._found = _Found(of, real)
        return self._found.logs


class _Found(NamedTuple):
    """Where places lead."""

    of: frozenset[str]
    logs: Mapping[str, frozenset[str]] = MappingProxyType({})

    def __reduce__(self) -> tuple[object, ...]:
        return _Found, (self.of, dict(self.logs))


def is_one_of(places: Iterable[str], name: str) -> bool:
    """Whether a file of this name is a log of one of these places, current or rotated."""
    if not places:
        return False
    return any(logname.parse(place, name.removesuffix(".tmp")) is not None for place in places)
