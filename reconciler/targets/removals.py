"""What on an engine is declared no more, and whether that is meant. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.diff.prune import CLEAN_SCANS, Absence, Verdict, absences
from reconciler.model.state.desired import Desired

_UNNAMED = (
    "no manifest here declares it, and another directory may: write `partOf: NAME` into the "
    "Settings in recon.yaml, or run `recon apply --confirm-prune`"
)


def removals(
    desired: Desired, known: Mapping[str, str | None], *, confirmed: bool
) -> dict[str, Absence]:
    """A verdict for each app that recon made there and that is not declared.

    The guards are those of this host (``diff.prune``). ``known``: the apps there, each with the
    file that declares it.
    """
    gone = dict.fromkeys(known.keys() - desired.apps.keys(), CLEAN_SCANS)
    found = absences(desired, known, gone, confirmed=confirmed)
    if desired.settings.part_of is not None or confirmed:
        return dict(found)
    return {
        app: Absence(Verdict.UNCONFIRMED, _UNNAMED) if one.verdict is Verdict.DELETE else one
        for app, one in found.items()
    }
