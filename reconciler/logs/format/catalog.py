"""Writes down where the logs of an app are, for `recon logs` (``model.host.logcatalog``)."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from reconciler.model.host.logcatalog import Catalog
from reconciler.model.spec.logs import Logs
from reconciler.model.words.logname import INSTANCE

_NEVER = (-1, -1)


class CatalogWriter:
    """The catalogs below a state directory. A log in recon's own way costs nothing here."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "logs"
        self._seen: tuple[int, int] | None = _NEVER
        """The folder as it was when all catalogs were last looked for; None: there was none."""

    def keep(self, every: Mapping[str, Logs]) -> None:
        """Write again the catalogs that were removed; ``every`` is how the logs of each app are.

        The folder tells whether a file of it came or went, so mostly that is all that is asked.
        """
        now = _state_of(self._folder)
        if now == self._seen:
            return
        there = set(os.listdir(self._folder)) if now is not None else set()
        needs = False
        for app, logs in every.items():
            if f"{app}.json" not in there:
                needs |= self.note(app, logs)
        # Before what was just written: that is looked at again. Without a folder it may fail.
        self._seen = _NEVER if now is None and needs else now

    def note(self, app: str, logs: Logs) -> bool:
        """See that the catalog knows these logs; whether there is anything to know.

        No error: they are written nevertheless.
        """
        if logs.is_apart and not isinstance(logs.timestamps, str):
            return False
        if self._seen is None:
            self._seen = _NEVER
        path = self._path(app)
        known = _read(path)
        out, err = logs.place("out"), logs.place("err")
        found = known.with_first(
            [out] if out else [],
            [err] if err and err != out else [],
            [out or f"{self._folder}/{app}/{INSTANCE}.out.log"] if logs.mixed else [],
            [logs.timestamps] if isinstance(logs.timestamps, str) else [],
        )
        if found != known:
            with contextlib.suppress(OSError):
                _write(path, found.text())
        return True

    def _path(self, app: str) -> Path:
        return self._folder / f"{app}.json"


def _state_of(folder: Path) -> tuple[int, int] | None:
    try:
        status = folder.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns


def _read(path: Path) -> Catalog:
    try:
        return Catalog.parse(path.read_bytes())
    except OSError:
        return Catalog()


def _write(path: Path, text: str) -> None:
    for folder in (path.parent.parent, path.parent):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)
