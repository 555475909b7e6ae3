"""What recon writes itself, as far as its state directory tells: for those who watch files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reconciler.desired.manifest.logplaces import declared
from reconciler.desired.watched.own_files import OwnFiles
from reconciler.logs.format.catalogs import catalogs
from reconciler.model.state.desired import Workload


def own_files_in(state: Path, apps: Iterable[Workload] = ()) -> OwnFiles:
    """The state directory, every log that was ever written, and those that ``apps`` declare."""
    written = (
        place for known in catalogs(state).values() for place in (*known.places, *known.errors)
    )
    own = OwnFiles([str(state)], written)
    for app in apps:
        own.add_logs(place for _, place in declared(app.spec))
    return own
