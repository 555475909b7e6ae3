"""A Job as a oneshot: how long it may take, how often it is tried, and that it runs once."""

from __future__ import annotations

from reconciler.convert.fields import Fate
from reconciler.convert.systemd import lifecycle
from reconciler.convert.systemd.calendar import shortest_gap
from reconciler.convert.systemd.draft import Draft
from reconciler.convert.systemd.unitfile import command, span

_ONESHOT_RESTARTS = 244
"""The version of systemd from which on a oneshot may be started again when it fails."""
_STATE_HOME = 254
"""From which on a user's state is in XDG_STATE_HOME."""
_DAY = 86_400
_HISTORY = "successfulJobsHistoryLimit", "failedJobsHistoryLimit"


def job(draft: Draft) -> None:
    """All of a run but its program; when it begins is for ``timers``."""
    draft.service.append(("Type", "oneshot"))
    retries = int(draft.take("backoffLimit", default=6))
    _deadline(draft, retries)
    _tries(draft, retries)
    if not draft.by_clock:
        _once(draft)
    _concurrency(draft)
    for field in _HISTORY:
        if draft.take(field) is not None:
            draft.note(Fate.LOST, "runs are kept as long as the journal keeps them", field)


def _deadline(draft: Draft, retries: int) -> None:
    seconds = draft.take("activeDeadlineSeconds")
    draft.service.append(("TimeoutStartSec", span(seconds) if seconds else "infinity"))
    if seconds and retries:
        note = "applies to each try, not to all together; a try that takes longer is tried again"
        draft.note(Fate.DIFFERS, note, "activeDeadlineSeconds")


def _tries(draft: Draft, retries: int) -> None:
    """Tries are counted over less than what lies between two runs, so each has its own."""
    backoff = lifecycle.backoff(draft)
    if retries and draft.target.version < _ONESHOT_RESTARTS:
        note = f"a run that fails is not tried again; that needs systemd {_ONESHOT_RESTARTS}"
        draft.note(Fate.LOST, note, "backoffLimit")
        retries = 0
    if not retries:
        draft.service.append(("Restart", "no"))
        draft.unit.append(("StartLimitIntervalSec", "0"))
        return
    schedule = draft.peek("schedule")
    interval = 0.9 * shortest_gap(schedule) if schedule else _DAY
    draft.unit += [
        ("StartLimitIntervalSec", span(interval)),
        ("StartLimitBurst", str(retries + 1)),
    ]
    draft.service.append(("Restart", "on-failure"))
    lifecycle.waits(draft, backoff)
    note = (
        f"starts within {_duration(interval)} are counted, also those by hand (systemctl "
        "reset-failed forgets them); tries that take longer than that together are not limited"
    )
    draft.note(Fate.DIFFERS, note, "backoffLimit")


def _once(draft: Draft) -> None:
    """Not at each boot: it leaves a file when it has succeeded, as of one revision."""
    folder, name = "%S/recon-jobs", f"{draft.base}.{draft.revision}"
    draft.unit.append(("ConditionPathExists", f"!{folder}/{name}"))
    leave = command(["/bin/sh", "-c", 'mkdir -p "$1" && : > "$1/$2"', "sh"])
    draft.service.append(("RemainAfterExit", "yes"))
    draft.service.append(("ExecStartPost", f"+{leave} {folder} {name}"))
    note = (
        f"it runs at boot until it has succeeded once, which the file {_state(draft)}/{name} "
        "records; create that file before the change-over, else the job runs again; remove it "
        "after an edit of the unit"
    )
    draft.note(Fate.DIFFERS, note, "schedule")


def _state(draft: Draft) -> str:
    """What systemd makes of %S/recon-jobs."""
    if not draft.target.user:
        return "/var/lib/recon-jobs"
    return f"~/{'.local/state' if draft.target.version >= _STATE_HOME else '.config'}/recon-jobs"


def _duration(seconds: float) -> str:
    return f"{seconds / 3600:g} h" if seconds >= 3600 else f"{seconds:g} s"


def _concurrency(draft: Draft) -> None:
    policy = draft.take("concurrencyPolicy", default="Allow")
    if not draft.by_clock or policy == "Forbid":
        return
    note = "runs do not overlap: a run that is due begins when the previous one has ended"
    draft.note(Fate.DIFFERS, note, "concurrencyPolicy")
