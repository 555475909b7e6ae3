"""What goes by the clock: a .timer that starts the service, of a Job or of a restart."""

from __future__ import annotations

from reconciler.convert.fields import Fate
from reconciler.convert.systemd import clockchange
from reconciler.convert.systemd.calendar import calendar
from reconciler.convert.systemd.draft import Draft, Lines
from reconciler.convert.systemd.unitfile import Section, render, text

_CHANGE = (
    "when the clocks change: a run in the hour that is left out does not happen (recon: right "
    "after it), and the hour that comes twice counts once"
)


def timers(draft: Draft, comment: str) -> None:
    """The timer of what has a schedule."""
    if draft.is_job:
        _runs(draft, comment)
    else:
        _restarts(draft, comment)


def _runs(draft: Draft, comment: str) -> None:
    """Persistent= makes up for the latest moment that was missed, as recon does; or for none."""
    late = draft.take("startingDeadlineSeconds")
    lines = _moments(draft, "schedule")
    if not lines:
        return
    if late is not None:
        note = (
            "a run that is missed while the host is down does not happen, however"
            " late it would be; "
            "Persistent=yes makes up for it. A run that waits for the previous one does happen"
        )
        draft.note(Fate.DIFFERS, note, "startingDeadlineSeconds")
    lines.append(("Persistent", "no" if late is not None else "yes"))
    draft.files[f"{draft.base}.timer"] = _timer(draft.name, lines, draft.entry, comment)


def _restarts(draft: Draft, comment: str) -> None:
    lines = _moments(draft, "restartSchedule")
    if not lines:
        return
    name = f"{draft.base}.restart"
    manager = " --user" if draft.target.user else ""
    service: Lines = [
        ("Type", "oneshot"),
        ("ExecStart", f"/usr/bin/systemctl{manager} try-restart {draft.entry}"),
    ]
    unit = [("Description", text(f"restart of {draft.name}"))]
    sections = [Section("Unit", unit), Section("Service", service)]
    draft.files[f"{name}.service"] = render(sections, comment)
    described = f"restarts of {draft.name}"
    draft.files[f"{name}.timer"] = _timer(described, lines, f"{name}.service", comment)
    note = "it restarts all instances at once; there is no rolling restart"
    draft.note(Fate.DIFFERS, note, "restartSchedule")


def _moments(draft: Draft, field: str) -> Lines:
    schedule, zone = draft.take(field), draft.take("timeZone")
    if schedule is None:
        return []
    if clockchange.touches(schedule, zone or draft.target.zone):
        draft.note(Fate.DIFFERS, _CHANGE, field)
    lines: Lines = [("OnCalendar", moment) for moment in calendar(schedule, zone)]
    return [*lines, ("AccuracySec", "1us")]


def _timer(described: str, lines: Lines, service: str, comment: str) -> str:
    sections = [
        Section("Unit", [("Description", text(described))]),
        Section("Timer", [*lines, ("Unit", service)]),
        Section("Install", [("WantedBy", "timers.target")]),
    ]
    return render(sections, comment)
