"""What recon writes itself, as far as its state directory tells: for those who watch files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from reconciler.desired.logplaces import declared
from reconciler.desired.ours import Ours
from reconciler.model.desired import DesiredApp
from reconciler.observed.logcatalog import catalogs


def ours_in(state: Path, apps: Iterable[DesiredApp] = ()) -> Ours:
    """The state directory, every log that was ever written, and those that ``apps`` declare."""
    written = (
        place for known in catalogs(state).values() for place in (*known.places, *known.errors)
    )
    ours = Ours([str(state)], written)
    for app in apps:
        ours.add_logs(place for _, place in declared(app.spec))
    return ours
