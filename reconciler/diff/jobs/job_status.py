"""How a Job is shown: `recon status`, `describe` and `apply --dry-run`."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace

from reconciler.diff.core import history
from reconciler.diff.core.dependencies import condition_of
from reconciler.diff.core.situation import JobSituation
from reconciler.diff.jobs import runs, triggers
from reconciler.diff.lint.advice import shell_remedy
from reconciler.diff.rollout import amnesia
from reconciler.diff.status import health
from reconciler.diff.status.fields import changed_fields
from reconciler.model.spec.dependency import needs_of
from reconciler.model.state.memory import Outcome, Recall, Run
from reconciler.model.state.observed import DriftKind, RunState
from reconciler.model.state.plan import (
    AppStatus,
    Change,
    Condition,
    Drift,
    Health,
    InstanceStatus,
    JobStatus,
    LastExit,
)


@dataclass(frozen=True, slots=True)
class Shown:
    """One Job at one moment, with what its status is made from."""

    at: JobSituation
    last: Run | None
    """The run that tells how the Job is: of what is declared, the newest that is decided, else
    the newest."""
    next_at: float | None
    """The next moment of its schedule, in seconds since 1970."""
    withheld: str
    """Why no run may begin, whatever it waits for, a sentence."""
    waiting: str
    """Why its runs do not begin, a sentence; empty where they may."""


def look(at: JobSituation, withheld: str) -> Shown:
    """What is shown of a Job. ``withheld``: why no run may begin, a sentence."""
    last = runs.newest(at.memory)
    if at.app.spec.schedule is not None:
        decided = (run for run in reversed(at.memory.runs) if run.outcome is not Outcome.ACTIVE)
        last = next(decided, None)
    waiting = withheld or (at.waiting.message if at.waiting is not None else "")
    return Shown(at, last, triggers.next_at(at), withheld, waiting)


def status_of(shown: Shown) -> AppStatus:
    """The status of a Job that is declared."""
    app, memory, revision = shown.at.app, shown.at.memory, shown.at.revision
    once = app.spec.schedule is None
    active = runs.active(memory)
    done = shown.last is not None and shown.last.outcome is Outcome.SUCCEEDED
    drift = tuple(_drift(shown.at))
    return AppStatus(
        name=app.name,
        kind="Job",
        sync=health.sync_of(app, drift, revision),
        health=_health(shown),
        desired=1 if once and not app.spec.suspend else len(active),
        ready=int(done) if once else sum(run.trying for run in active),
        updated=int(done),
        available=int(done),
        revision=revision.number,
        restarts=sum(run.failures for run in memory.runs),
        message=next(_messages(shown), ""),
        conditions=(*_conditions(shown.last), *_waits(shown)),
        drift=drift,
        instances=tuple(_instances(shown)),
        job=JobStatus(memory.runs, shown.next_at),
        labels=app.labels,
        needs=needs_of(app.spec.depends_on),
    )


def change_of(shown: Shown, *, starts: int, ends: int) -> Change:
    """The change that the next pass makes."""
    at = shown.at
    last = at.before.revisions[-1] if at.before.revisions else None
    fields = changed_fields(last, at.app)
    action = "update" if fields or starts or ends else "none"
    action = "create" if last is None else action
    return Change(
        at.app.name,
        action,  # type: ignore[arg-type]  # mypy widens the literals of a conditional
        last.number if last else None,
        at.revision.number,
        fields,
        starts,
        0,
        ends,
        sum(process.state is not RunState.STOPPING for process in at.processes) - ends,
        tuple(_notes(shown, starts)) if action != "none" else (),
        kind="Job",
    )


def _notes(shown: Shown, starts: int) -> Iterator[str]:
    at, app = shown.at, shown.at.app
    if remedy := shell_remedy(app.spec, app.line):
        yield f"advice: its command needs a shell; {remedy}"
    if starts and app.spec.schedule is None:
        yield f"runs once: {shlex.join(app.spec.command)}"
    if shown.next_at is not None:
        wait = shown.next_at - at.moment.wall.at(at.now)
        yield f"next run in {_span(wait)} ({app.spec.schedule})"
    if shown.waiting and any(run.began_at is None for run in runs.active(at.memory)):
        yield shown.waiting


def _health(shown: Shown) -> Health:
    at, last = shown.at, shown.last
    active = runs.active(at.memory)
    if at.app.spec.suspend and not any(run.trying for run in active):
        return Health.SUSPENDED
    if last is not None and last.outcome is Outcome.FAILED:
        return Health.DEGRADED
    if any(run.failures for run in active):
        return Health.DEGRADED
    if at.app.spec.schedule is not None:
        return Health.HEALTHY
    if last is not None and last.outcome is Outcome.SUCCEEDED:
        return Health.HEALTHY
    return Health.PROGRESSING if active else Health.MISSING


def _drift(at: JobSituation) -> Iterator[Drift]:
    """A run that is called for and has not begun."""
    for run in runs.active(at.memory):
        if run.began_at is None and not run.failures and not at.app.spec.suspend:
            detail = f"declared, but has not run ({run.why})"
            yield Drift(DriftKind.MISSING, f"{at.app.name}-{run.number}", detail)


def _messages(shown: Shown) -> Iterator[str]:
    """The messages, most urgent first."""
    at, last, memory = shown.at, shown.last, shown.at.memory
    wall_now = at.moment.wall.at(at.now)
    if at.app.problem is not None:
        yield health.sentence(at.app.problem, at.revision)
    for run in runs.active(memory):
        if run.retry_at is not None:
            wait = max(0, math.ceil(run.retry_at - at.now))
            limit = at.app.spec.backoff_limit + 1
            yield f"run {run.number}: {run.message}, try {run.failures + 1} of {limit} in {wait} s"
        elif run.trying and run.began_at is not None:
            yield f"run {run.number} for {_span(wall_now - run.began_at)}"
        elif shown.waiting:
            yield shown.waiting
    parts = []
    obstacle = amnesia.obstacle(at.app.name, memory)
    if obstacle is not None:
        parts.append(obstacle.message)
    elif memory.recall is Recall.UNREAD:
        parts.append(shown.waiting)
    if last is not None and last.ended_at is not None:
        how = "succeeded" if last.outcome is Outcome.SUCCEEDED else f"failed ({last.message})"
        parts.append(f"run {last.number} {how} {_span(wall_now - last.ended_at)} ago")
    if shown.next_at is not None:
        parts.append(f"next in {_span(shown.next_at - wall_now)}")
    failed = last is not None and last.outcome is Outcome.FAILED
    if failed and at.app.spec.schedule is None:
        parts.append(f"`recon run-job {at.app.name}` runs it again")
    if last is not None and shell_remedy(at.app.spec, at.app.line):
        parts.append(f"its command needs a shell: `recon status {at.app.name}` shows what to write")
    yield "; ".join(parts)


def _conditions(last: Run | None) -> Iterator[Condition]:
    """As Kubernetes' JobCondition: Complete or Failed, of the last run that is decided."""
    if last is None or last.outcome is Outcome.ACTIVE:
        return
    if last.outcome is Outcome.SUCCEEDED:
        yield Condition("Complete", "True", "Completed", f"run {last.number} succeeded")
    else:
        yield Condition("Failed", "True", last.reason, f"run {last.number}: {last.message}")


def _waits(shown: Shown) -> tuple[Condition, ...]:
    """The message of a run that has yet to begin."""
    waits = any(run.began_at is None for run in runs.active(shown.at.memory))
    return condition_of(shown.at.waiting) if waits and not shown.withheld else ()


def _instances(shown: Shown) -> Iterator[InstanceStatus]:
    """A row a run, and one for each process of a run that is not remembered."""
    at = shown.at
    rows: dict[int, InstanceStatus] = {}
    for run in at.memory.runs:
        number = history.number_of(at.memory, run.hash)
        name = f"{at.app.name}-{run.number}"
        rows[run.number] = InstanceStatus(
            name, None, _state(run, shown), False, number, run.failures, run.message, _last(run, at)
        )
    for process in at.processes:
        number = process.tag.instance
        blank = InstanceStatus(process.name, process, "", False, 0, 0, "")
        row = rows.get(number, blank)
        rows[number] = replace(row, process=process, state=process.state.value)
    for _, row in sorted(rows.items()):
        yield row


def _last(run: Run, at: JobSituation) -> LastExit | None:
    """How its last try ended."""
    ended = run.tried_at or run.ended_at
    if ended is None or (run.exit is None and not run.fault):
        return None
    return LastExit(run.exit, run.fault, at.moment.wall.boot(ended), run.uptime)


def _state(run: Run, shown: Shown) -> str:
    if run.outcome is not Outcome.ACTIVE:
        return "completed" if run.outcome is Outcome.SUCCEEDED else "failed"
    if run.retry_at is not None and run.retry_at > shown.at.now:
        return "backoff"
    return "waiting" if shown.waiting else "missing"


def _span(seconds: float) -> str:
    """A duration as people say it, in its two largest units at most."""
    whole = max(0, round(seconds))
    days, rest = divmod(whole, 86_400)
    hours, rest = divmod(rest, 3600)
    minutes, rest = divmod(rest, 60)
    named = ((days, "d"), (hours, "h"), (minutes, "min"), (rest, "s"))
    first = next((n for n, (count, _) in enumerate(named) if count), 3)
    return " ".join(f"{count} {unit}" for count, unit in named[first : first + 2] if count) or "0 s"
