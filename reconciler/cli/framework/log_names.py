"""The names that `recon logs` takes: of apps, and of instances (``web-1``)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

from reconciler.cli.framework.options import Where
from reconciler.logs.read.files import LogFile

_INSTANCE = re.compile(r"(.+)-([0-9]{1,9})")


class Chosen(NamedTuple):
    """What was named."""

    apps: frozenset[str]
    """Apps that are wanted whole, and names that nothing has."""
    instances: dict[str, frozenset[int]]
    """Of other apps, these."""

    @property
    def names(self) -> set[str]:
        """All apps whose logs are looked at."""
        return {*self.apps, *self.instances}

    def of(self, logs: Iterable[LogFile]) -> Iterator[LogFile]:
        """The logs, less those of instances that are not wanted."""
        for log in logs:
            wanted = None if log.app in self.apps else self.instances.get(log.app)
            if wanted is None:
                yield log
            elif log.instance is None or log.instance in wanted:
                yield replace(log, instances=wanted)


def chosen(place: Where, names: Iterable[str]) -> Chosen:
    """A name that is an app's means the app, also where it ends as an instance's does."""
    apps: set[str] = set()
    instances: dict[str, frozenset[int]] = {}
    for name in names:
        match = _INSTANCE.fullmatch(name)
        if match is None or _has_logs(place, name) or not _has_logs(place, match[1]):
            apps.add(name)
        else:
            numbers = instances.get(match[1], frozenset())
            instances[match[1]] = numbers | {int(match[2])}
    return Chosen(frozenset(apps), instances)


def _has_logs(place: Where, app: str) -> bool:
    return os.path.isdir(place.paths.logs / app)
