"""Cron's five fields as a CronJob takes them.

Sources: robfig/cron v3, which Kubernetes uses (its week ends with 6, it knows no L, W and #, and
steps of more than one take the star away from a field), and cronsim, which recon uses.
"""

from __future__ import annotations

from typing import Any

from reconciler.convert.engines.draft import Draft, Refused
from reconciler.convert.fields import Fate
from reconciler.convert.systemd import clockchange
from reconciler.convert.systemd.calendar import fields_of

_EITHER = (
    "Kubernetes runs it on days that match either of the two day fields, recon on those that match "
    "both"
)
_CHANGE = "when the clocks change: a run in the hour that is left out does not happen"
_SOON = 10
"""Seconds between two looks of the CronJob controller."""


def schedule(draft: Draft) -> dict[str, Any]:
    """``schedule`` and all that decides when a run begins. Refused where it cannot be said."""
    written, zone = draft.take("schedule"), draft.take("timeZone") or draft.zone
    found: dict[str, Any] = {"schedule": cron(written), "timeZone": zone}
    if is_both(written):
        draft.note(Fate.DIFFERS, _EITHER, "schedule")
    if clockchange.touches(written, zone):
        draft.note(Fate.DIFFERS, _CHANGE, "schedule")
    late = draft.whole_seconds("startingDeadlineSeconds")
    if late is not None:
        found["startingDeadlineSeconds"] = late
        if late < _SOON:
            text = f"Kubernetes looks every {_SOON} s: a run may be skipped with less than that"
            draft.note(Fate.DIFFERS, text, "startingDeadlineSeconds")
    for field in ("concurrencyPolicy", "successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        value = draft.take(field)
        found |= {field: value} if value is not None else {}
    return found


def cron(written: str) -> str:
    """The five fields, with the week's days from 0 to 6."""
    read = fields_of(written)
    special = any(day < 0 for day in read.days)
    if special or not all(isinstance(day, int) for day in read.weekdays):
        message = f"{written!r} has L, LW or #, which Kubernetes does not know"
        raise Refused("schedule", message, "write days that it knows, and let the program decide")
    *others, weekdays = written.split()
    if "7" in weekdays:
        numbers = sorted({day % 7 for day in read.weekdays if isinstance(day, int)})
        weekdays = ",".join(map(str, numbers))
    return " ".join([*others, weekdays])


def is_both(written: str) -> bool:
    """Whether a day must match both fields here and either there."""
    _, _, days, _, weekdays = written.split()
    if "*" in (days, weekdays):
        return False
    return days.startswith("*") or weekdays.startswith("*")
