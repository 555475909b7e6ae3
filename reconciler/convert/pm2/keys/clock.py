"""cron_restart: a restart by the clock or, of what ends by itself, a job by the clock.

Source of the rules: PM2 7, ``God.registerCron`` and croner's patterns: five fields, or six with
the seconds first; what runs then is ended, whatever it does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.convert.manifests.draft import Draft, Fate
from reconciler.convert.pm2.given import Given
from reconciler.convert.pm2.keys.address import listen_port
from reconciler.convert.pm2.schema import is_undefined
from reconciler.convert.pm2.values import is_true, text_of
from reconciler.desired.manifest.validate import validate
from reconciler.model.spec.manifest import AppSpec

_KEY = "cron_restart"
_TASK = re.compile(
    r"(cron|job|task|batch|backup|dump|report|digest|sync|clean|purge|prune|rotat|migrat|import"
    r"|export|seed|nightly|daily|hourly|weekly|monthly|remind|invoice|newsletter|archive|expire)"
)
_SERVER = re.compile(
    r"\b(servers?|serve|api|web|www|app|site|http|https|gateway|proxy|backend|frontend|worker|bot"
    r"|daemon|consumer|listener|service|socket|ws|next|nuxt|vite)\b"
)


class Kind(NamedTuple):
    """Whether an app with autorestart: false is a Job; and what speaks for that."""

    is_job: bool
    why: str = ""


def kind_of(given: Given) -> Kind:
    """A Job ends, and the clock starts it again; a server is restarted by the clock.

    PM2 knows no difference: with autorestart: false it leaves either as it ended. The config
    and the program's text have to tell.
    """
    conf = given.conf
    cron = _cron(conf)
    if conf.get("autorestart") not in (False, "false") or cron == "" or _fault(cron):
        return Kind(False)
    name = f"{text_of(conf.get('name') or '')} {text_of(conf.get('script') or '')}".lower()
    task, server = _TASK.search(name), _SERVER.search(name)
    for holds, why in (
        (given.sources.listen, "its script listens"),
        (given.is_cluster, "cluster mode"),
        (not is_undefined(conf.get("watch")) and conf["watch"] is not False, "watch"),
        (is_true(conf.get("wait_ready")), "wait_ready"),
        (not task and listen_port(given.known, given.run.command) is not None, "a port"),
        (not task and server is not None, f"the name ({server and server[1]})"),
    ):
        if holds:
            return Kind(False, why)
    if task:
        return Kind(True, f"the name ({task[1]})")
    return Kind(True, "nothing that a server has: no port, no cluster mode, no watch")


def put(conf: Mapping[str, Any], kind: Kind, draft: Draft) -> None:
    """The schedule; after all else of the app."""
    cron = _cron(conf)
    if not cron:
        return
    fault, schedule = _fault(cron), _in_minutes(cron) or ""
    if fault:
        draft.note(Fate.TODO, _KEY, f"{cron[:80]}: {fault}")
    elif kind.is_job:
        _job(conf, schedule, kind, draft)
    else:
        draft.put("restartSchedule", schedule)
        note = (
            "restarts all instances at once in PM2; recon restarts them as in an"
            " update, by `strategy`"
        )
        draft.note(Fate.CHANGED, _KEY, note)
        if kind.why:
            note = (
                f"{kind.why}: imported as a service with a restart schedule; if it is a task that"
                " ends, write kind: Job and schedule"
            )
            draft.note(Fate.CHANGED, "autorestart: false", note)


def _job(conf: Mapping[str, Any], schedule: str, kind: Kind, draft: Draft) -> None:
    draft.kind = "Job"
    draft.spec.pop("restartPolicy", None)
    draft.put("schedule", schedule)
    draft.put("concurrencyPolicy", "Replace")
    draft.put("backoffLimit", 0)
    note = (
        f"{kind.why}: imported as a Job, which runs by its schedule only (PM2 ran it at its start,"
        " too); if it is a service, write kind: App and restartSchedule"
    )
    draft.note(Fate.CHANGED, "autorestart: false", note)
    count = conf.get("instances")
    if not is_undefined(count) and count not in (1, "1"):
        note = f"{text_of(count)[:20]}: a Job is one process at a time"
        draft.note(Fate.CHANGED, "instances", note)


def _cron(conf: Mapping[str, Any]) -> str:
    given = conf.get(_KEY)
    return "" if is_undefined(given) or given in (False, 0, "0") else text_of(given)


def _fault(pattern: str) -> str:
    """Why recon's clock cannot go by it; empty where it can."""
    schedule = _in_minutes(pattern)
    if schedule is None:
        return (
            "has seconds, or is not a valid cron pattern; write it as in a crontab,"
            " which begins with minutes"
        )
    found = validate(AppSpec, {"command": ["any"], "restartSchedule": schedule})
    return "" if isinstance(found, AppSpec) else found[0].text


def _in_minutes(pattern: str) -> str | None:
    """As five fields; a nickname as it is; None for what asks for seconds."""
    fields = pattern.split()
    if len(fields) == 6 and re.fullmatch("0+", fields[0]):
        del fields[0]
    nickname = len(fields) == 1 and fields[0].startswith("@")
    return " ".join(fields) if nickname or len(fields) == 5 else None
