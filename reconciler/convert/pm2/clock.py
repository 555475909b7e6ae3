"""cron_restart: a restart by the clock or, with autorestart: false, a job by the clock.

Source of the rules: PM2 7, ``God.registerCron`` and croner's patterns: five fields, or six with
the seconds first; what runs then is ended, whatever it does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from reconciler.convert.draft import Draft, Fate
from reconciler.convert.pm2.schema import is_undefined
from reconciler.convert.pm2.values import text_of
from reconciler.desired.validate import validate
from reconciler.model.manifest import AppSpec

_KEY = "cron_restart"


def is_job(conf: Mapping[str, Any]) -> bool:
    """Whether the app becomes a Job: it ends, and the clock starts it again."""
    asked = _asked(conf)
    return conf.get("autorestart") in (False, "false") and asked != "" and not _fault(asked)


def put(conf: Mapping[str, Any], draft: Draft) -> None:
    """The schedule; after all else of the app."""
    asked = _asked(conf)
    if not asked:
        return
    fault, schedule = _fault(asked), _in_minutes(asked) or ""
    if fault:
        draft.note(Fate.TODO, _KEY, f"{asked[:80]}: {fault}")
    elif is_job(conf):
        _job(conf, schedule, draft)
    else:
        draft.put("restartSchedule", schedule, _KEY)
        told = "restarts all at once; recon does it as an update is done, by `strategy`"
        draft.note(Fate.CHANGED, _KEY, told)


def _job(conf: Mapping[str, Any], schedule: str, draft: Draft) -> None:
    draft.kind = "Job"
    draft.spec.pop("restartPolicy", None)
    draft.put("schedule", schedule, _KEY)
    draft.put("concurrencyPolicy", "Replace", _KEY, "PM2 ends a run that still runs.")
    draft.put("backoffLimit", 0, "autorestart", "autorestart: false")
    told = "ran when PM2 started it, too; a Job runs by its schedule only"
    draft.note(Fate.CHANGED, "autorestart", told)
    count = conf.get("instances")
    if not is_undefined(count) and count not in (1, "1"):
        told = f"{text_of(count)[:20]}: a Job is one process at a time"
        draft.note(Fate.CHANGED, "instances", told)


def _asked(conf: Mapping[str, Any]) -> str:
    given = conf.get(_KEY)
    return "" if is_undefined(given) or given in (False, 0, "0") else text_of(given)


def _fault(pattern: str) -> str:
    """Why recon's clock cannot go by it; empty where it can."""
    schedule = _in_minutes(pattern)
    if schedule is None:
        return "has seconds, or is no pattern; write it as in a crontab, which has minutes"
    found = validate(AppSpec, {"command": ["any"], "restartSchedule": schedule})
    return "" if isinstance(found, AppSpec) else found[0][1]


def _in_minutes(pattern: str) -> str | None:
    """As five fields; a nickname as it is; None for what asks for seconds."""
    fields = pattern.split()
    if len(fields) == 6 and re.fullmatch("0+", fields[0]):
        del fields[0]
    nickname = len(fields) == 1 and fields[0].startswith("@")
    return " ".join(fields) if nickname or len(fields) == 5 else None
