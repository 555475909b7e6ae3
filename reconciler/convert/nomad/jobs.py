"""All apps and Jobs as jobs of Nomad, a file an app, in the form of its HTTP API
(``nomad job run -json``)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from reconciler.convert.engines.draft import Draft, Exported, draft_of
from reconciler.convert.fields import Fate
from reconciler.convert.nomad.group import networks, restarts, services, update
from reconciler.convert.nomad.reasons import REASONS
from reconciler.convert.nomad.task import disk, task
from reconciler.convert.systemd import clockchange
from reconciler.model.state.desired import Workload

MARK = "Written by `recon export nomad`"
MANAGED_BY, MANAGER = "managed-by", "recon"
"""The Meta of a job that recon made: no other is ever changed or removed by ``targets``."""
DRIVERS = ("raw_exec", "exec2")
EVERYWHERE = (
    "The program, its directory and its user must be on each client; raw_exec must be enabled.",
    "Checks ask the client's address: a program that listens on 127.0.0.1 only never becomes "
    "healthy.",
    "Nomad has no swap of listening sockets: a port is free for a moment while an instance is "
    "replaced on its client.",
    "What is removed here stays, until `nomad job stop`.",
)
"""What holds for every app, and for none of its fields."""


class Target(NamedTuple):
    """What the jobs are for."""

    zone: str = "UTC"
    """The time zone of this host, which schedules are in where no other is set."""
    driver: str = DRIVERS[0]


def export(apps: Iterable[Workload], target: Target) -> Exported:
    """The jobs of all these apps as JSON, and what they cannot say."""
    files, notes = {}, []
    for app in apps:
        draft = draft_of(app, target.zone, with_secrets=False)
        document = {"//": f"{MARK}: {app.name}", "Job": job(draft, target)}
        files[f"{app.name}.nomad.json"] = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        notes += draft.notes
    return Exported(files, {}, tuple(notes), ())


def job(draft: Draft, target: Target) -> dict[str, Any]:
    """One job, with its one group."""
    is_service = not draft.completes
    count = draft.take_instances()
    ports, labels = networks(draft)
    of_services = services(draft, labels)
    of_task = task(draft, target.driver)
    group: dict[str, Any] = {"Name": draft.name, "Count": count, **restarts(draft)}
    if draft.completes and not draft.is_job:
        text = "it is a batch job, since a service is restarted when it ends: no updates in steps"
        draft.note(Fate.DIFFERS, text, "restartPolicy")
    suspended = draft.take("suspend")
    periodic = _periodic(draft, suspended=bool(suspended))
    if suspended and not periodic:
        group["Count"] = 0
    if is_service:
        has_checks = any("Checks" in one for one in of_services)
        group["Update"] = update(draft, has_checks=has_checks)
    group |= {"Networks": ports} if ports else {}
    group |= {"Services": of_services} if of_services else {}
    group |= disk(of_task)
    group["Tasks"] = [of_task]
    labels_of_job = draft.take("metadata", "labels", default={})
    if labels_of_job:
        text = "is part of what a task gets (NOMAD_META_): another value replaces the instances"
        draft.note(Fate.DIFFERS, text, "metadata", "labels")
    made = {
        "ID": draft.name,
        "Name": draft.name,
        "Type": "service" if is_service else "batch",
        "Datacenters": ["*"],
        "Meta": {**labels_of_job, MANAGED_BY: MANAGER},
        **periodic,
        "TaskGroups": [group],
    }
    draft.note_left(REASONS)
    return made


def _periodic(draft: Draft, *, suspended: bool) -> dict[str, Any]:
    schedule = draft.take("schedule") if draft.is_job else None
    if schedule is None:
        return {}
    zone = draft.take("timeZone") or draft.zone
    if clockchange.touches(schedule, zone):
        text = "when the clocks change: a run in the hour that is left out may not happen"
        draft.note(Fate.DIFFERS, text, "schedule")
    policy = draft.take("concurrencyPolicy", default="Allow")
    if policy == "Replace":
        draft.note(Fate.LOST, "Nomad cannot replace a run: both run", "concurrencyPolicy")
    found = {
        "Enabled": not suspended,
        "Spec": schedule,
        "SpecType": "cron",
        "TimeZone": zone,
        "ProhibitOverlap": policy == "Forbid",
    }
    return {"Periodic": found}
