"""Writes down where the logs of an app are, for `recon logs` (``model.logcatalog``)."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from reconciler.model.logcatalog import Catalog
from reconciler.model.logname import INSTANCE
from reconciler.model.logs import Logs


class CatalogWriter:
    """The catalogs below a state directory. A log in recon's own way costs nothing here."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir / "logs"

    def note(self, app: str, logs: Logs) -> None:
        """See that the catalog knows these logs. No error: they are written all the same."""
        if logs.is_apart and not isinstance(logs.timestamps, str):
            return
        path = self._folder / f"{app}.json"
        known = _read(path)
        out, err = logs.place("out"), logs.place("err")
        both = logs.merge or (out is not None and out == err)
        found = known.with_first(
            [out] if out else [],
            [err] if err and err != out else [],
            [out or f"{self._folder}/{app}/{INSTANCE}.out.log"] if both else [],
            [logs.timestamps] if isinstance(logs.timestamps, str) else [],
        )
        if found != known:
            with contextlib.suppress(OSError):
                _write(path, found.text())


def _read(path: Path) -> Catalog:
    try:
        return Catalog.parse(path.read_bytes())
    except OSError:
        return Catalog()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.new")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    fresh.replace(path)
