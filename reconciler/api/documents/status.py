"""A plan as the JSON documents that people's scripts read (design.md#cli). Names are a contract.

All other output, text and markdown, is drawn from these documents, so that there is no second
opinion: not between formats, not between the controller's answer and the command line's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from reconciler.api.documents.iso import iso
from reconciler.model.host.load import Withheld
from reconciler.model.state.builder import built_by
from reconciler.model.state.desired import Problem
from reconciler.model.state.memory import JournalState, Run
from reconciler.model.state.observed import Exit
from reconciler.model.state.plan import (
    AppStatus,
    Change,
    Changes,
    Health,
    InstanceStatus,
    JobStatus,
    LastExit,
    Plan,
    Sync,
)

FORMAT_VERSION = 1
_WELL = JournalState()


class Usage(NamedTuple):
    """What an instance uses: resident bytes and percent of one core."""

    rss: int | None = None
    cpu: float | None = None


class Place(NamedTuple):
    """Where a field stands."""

    file: str
    line: int


def status_document(
    plan: Plan,
    controller: Mapping[str, Any],
    usage: Mapping[str, Usage],
    now: float,
    wall_now: float,
    *,
    journal: JournalState = _WELL,
) -> dict[str, Any]:
    """`status -o json`. ``usage`` by nonce; ``now`` in boot seconds, ``wall_now`` since 1970."""
    apps = [status_of(status, usage, now, wall_now) for status in statuses(plan)]
    return status_around(apps, plan, controller, journal)


def status_around(
    apps: list[dict[str, Any]], plan: Plan, controller: Mapping[str, Any], journal: JournalState
) -> dict[str, Any]:
    """The document of these rows (``status_of``)."""
    return {
        "formatVersion": FORMAT_VERSION,
        "controller": dict(controller),
        "journal": journal_document(journal),
        "apps": apps,
        "errors": [_problem(problem) for problem in plan.problems],
        "notifications": [],  # of a controller those that fail (``troubles_document``)
    }


def journal_document(journal: JournalState) -> dict[str, Any]:
    """How the journal is."""
    return {
        "state": journal.health.value,
        "message": journal.text,
        "remedy": journal.remedy,
    }


def statuses(plan: Plan) -> list[AppStatus]:
    """All that are planned, and those that only a broken file declares: by name."""
    # Without the builders: the statuses of their apps include the builds.
    found = {app.status.name: app.status for app in plan.apps if built_by(app.app) is None}
    for problem in plan.problems:
        for name in problem.apps:
            found.setdefault(name, _never_applied(name, problem))
    return [found[name] for name in sorted(found)]


def _never_applied(name: str, problem: Problem) -> AppStatus:
    """An app of which nothing is known but that its file has a mistake."""
    place = problem.file.rpartition("/")[2]
    place += f":{problem.line}:{problem.column}" if problem.line else ""
    problem_text = ": ".join(part for part in (place, problem.path, problem.text) if part)
    return AppStatus(
        name=name,
        kind="App",
        sync=Sync.UNKNOWN,
        health=Health.MISSING,
        desired=0,
        ready=0,
        updated=0,
        available=0,
        revision=0,
        restarts=0,
        message=f"never started: {problem_text}",
        conditions=(),
        drift=(),
        instances=(),
    )


def status_of(
    status: AppStatus, usage: Mapping[str, Usage], now: float, wall_now: float
) -> dict[str, Any]:
    """One app of `status -o json`."""
    return {
        "name": status.name,
        "kind": status.kind,
        "labels": dict(status.labels),
        "dependsOn": [{"app": name, "condition": word} for name, word in status.needs],
        "sync": status.sync.value,
        "health": status.health.value,
        "desired": status.desired,
        "ready": status.ready,
        "updated": status.updated,
        "available": status.available,
        "revision": status.revision,
        "restarts": status.restarts,
        "message": status.message,
        "conditions": [
            {"type": c.type, "status": c.status, "reason": c.reason, "message": c.message}
            for c in status.conditions
        ],
        "drift": [
            {"kind": d.kind.value, "instance": d.instance, "detail": d.detail} for d in status.drift
        ],
        "instances": [_instance(row, usage, now, wall_now) for row in status.instances],
        "load": load_document(status.load) if status.load is not None else None,
        **(job_document(status.job) if status.job is not None else {}),
    }


def job_document(job: JobStatus) -> dict[str, Any]:
    """What only Jobs have in `status -o json`."""
    next_at = iso(job.next_at) if job.next_at is not None else None
    return {"nextRun": next_at, "runs": [run_document(run) for run in job.runs]}


def load_document(held: Withheld) -> dict[str, Any]:
    """A rise of the count of instances that waits: bytes, processes or descriptors."""
    return {
        "reason": held.reason.value,
        "instances": {"from": held.before, "to": held.count},
        "needed": held.needed,
        "room": held.room,
        "each": held.each,
        "measured": held.measured,
        "apps": held.apps,
    }


def run_document(run: Run) -> dict[str, Any]:
    """One run of a Job, or one build."""
    took = run.ended_at - run.began_at if run.ended_at and run.began_at else None
    when = {"scheduledFor": run.due_at, "startedAt": run.began_at, "endedAt": run.ended_at}
    return {
        "number": run.number,
        "why": run.why,
        **{name: iso(at) if at is not None else None for name, at in when.items()},
        "durationSeconds": round(took, 3) if took is not None else None,
        "outcome": run.outcome.value,
        "reason": run.reason or None,
        "failures": run.failures,
        "exit": run.message or None,
    }


def change_document(
    plan: Plan | Changes, places: Mapping[tuple[str, str], Place]
) -> dict[str, Any]:
    """`apply --dry-run -o json`. ``places`` by (app, field path)."""
    changes = [app.change for app in plan.apps if built_by(app.app) is None]
    return {
        "formatVersion": FORMAT_VERSION,
        "changes": [_change(change, places) for change in changes],
        "summary": {
            "start": sum(change.start for change in changes),
            "replace": sum(change.replace for change in changes),
            "stop": sum(change.stop for change in changes),
            "unchanged": sum(change.unchanged for change in changes),
        },
        "errors": [_problem(problem) for problem in plan.problems],
    }


def has_changes(document: Mapping[str, Any]) -> bool:
    """Whether a change document says that anything would change (exit code 2).

    What waits for a confirmation would, too.
    """
    return any(change["action"] != "none" or change["held"] for change in document["changes"])


def _instance(
    row: InstanceStatus, usage: Mapping[str, Usage], now: float, wall_now: float
) -> dict[str, Any]:
    process = row.process
    used = usage.get(process.tag.nonce, Usage()) if process else Usage()
    uptime = max(0.0, now - process.started_at) if process else None
    return {
        "name": row.name,
        "pid": process.id.pid if process else None,
        "startTime": iso(wall_now - uptime) if uptime is not None else None,
        "state": row.state,
        "ready": row.ready,
        "revision": row.revision,
        "restarts": row.restarts,
        "uptimeSeconds": round(uptime, 1) if uptime is not None else None,
        "rssBytes": used.rss,
        "cpuPercent": used.cpu,
        "exit": row.exit or None,
        "lastExit": _last_exit(row.last, now, wall_now) if row.last is not None else None,
        "status": (process.status or None) if process else None,
    }


def _last_exit(last: LastExit, now: float, wall_now: float) -> dict[str, Any]:
    """How the process before ended; what it wrote last is added where an app is asked for."""
    exit = last.exit or Exit()
    return {
        "code": exit.code,
        "signal": exit.signal_name or None,
        "reason": exit.reason or None,
        "fault": last.fault or None,
        "uptimeSeconds": round(last.uptime, 3) if last.uptime is not None else None,
        "endedAt": iso(wall_now - max(0.0, now - last.at)),
    }


def _change(change: Change, places: Mapping[tuple[str, str], Place]) -> dict[str, Any]:
    fields = []
    for field in change.fields:
        place = places.get((change.app, field.path))
        fields.append(
            {
                "path": field.path,
                "from": field.before,
                "to": field.after,
                "effect": field.effect.value,
                "file": place.file if place else None,
                "line": place.line if place else None,
            }
        )
    return {
        "app": change.app,
        "kind": change.kind,
        "action": change.action,
        "revision": {"from": change.revision_from, "to": change.revision_to},
        "fields": fields,
        "instances": {"start": change.start, "replace": change.replace, "stop": change.stop},
        "notes": list(change.notes),
        "held": change.held,
        "load": load_document(change.load) if change.load is not None else None,
    }


def _problem(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "path": problem.path,
        "message": problem.text,
        "remedy": problem.remedy,
        "apps": list(problem.apps),
        "reason": problem.reason.value,
    }
