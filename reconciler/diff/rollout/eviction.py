"""Eviction: an instance that has outgrown `limits.memory` gives way to a successor.

It serves, so it is not a crash: it counts as *old* (see ``replicas``), and the app's own strategy
replaces it, a surge before the stop where there is one, never more at once than `maxUnavailable`
allows. What an update does to an instance, this does; so a rollout that is under way simply takes
the new revision for the successor.

A program that outgrows its limit after every start must not be replaced without end: the starts
of a number are as far apart as the waits after crashes (``backoff.delay``): first at once, then
1 s × 2, to 60 s, forgiven after 600 s. Meanwhile it runs on, over its limit; `limits.memory` is
the soft one. Decided besides:

- an edit of the template or of the limit begins a new ladder, and an instance within a raised
  limit runs on;
- `rollout pause` and a canary hold no eviction: the number is replaced by what it ran;
- `restartPolicy: Never` means that nothing may run twice: it is told, and left alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace

from reconciler.diff.core.backoff import delay
from reconciler.diff.core.replicas import is_over
from reconciler.diff.core.situation import AppSituation
from reconciler.model.spec.lifecycle import RestartPolicy
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.event import Event
from reconciler.model.state.memory import Eviction
from reconciler.model.state.observed import Process
from reconciler.model.state.reason import EventReason
from reconciler.model.state.revision import same_revision

REASON = EventReason.MEMORY_LIMIT_EXCEEDED


def note(at: AppSituation) -> AppSituation:
    """Note each process that has outgrown its limit."""
    found = sorted(filter(is_over, at.processes), key=_age)
    if not found:
        return at
    spec = at.app.spec
    events: list[Event] = []
    known = dict(at.memory.evictions)
    for process in found:
        number = process.tag.instance
        before = known.get(number)
        if before is not None and before.limit != spec.limits.memory:
            before = None
        if before is not None and _age(process) <= (before.started_at, before.nonce):
            continue  # known, or a successor of it has outgrown the limit as well
        eviction = known[number] = _evict(process, before, spec, at.now)
        message = f"pid {process.id.pid} {process.outgrown}"
        if eviction.times > 1:
            message += f"; {eviction.times} times in a row"
        events.append(Event(at.app.name, REASON, message, "Warning", number))
    return at.after(replace(at.memory, evictions=known), *events) if events else at


def moments(at: AppSituation, processes: Iterable[Process]) -> Iterator[float]:
    """When those of the processes that wait for it may be replaced, in boot seconds."""
    for process in filter(is_over, processes):
        eviction = at.memory.evictions.get(process.tag.instance)
        if eviction is not None and eviction.nonce == process.tag.nonce:
            yield eviction.replace_at


def recent(at: AppSituation, instance: int, hash: str) -> Eviction | None:
    """The last one of this number and revision; None once it is forgiven."""
    spec, eviction = at.app.spec, at.memory.evictions.get(instance)
    if eviction is None or not same_revision(eviction.hash, hash):
        return None
    if eviction.limit != spec.limits.memory:
        return None
    return eviction if at.now - eviction.at < spec.backoff.reset_seconds else None


def message_of(at: AppSituation) -> str:
    """The message on what outgrew its limit; empty where nothing did."""
    everyone = (*at.replicas.old, *at.replicas.current)
    for process in filter(is_over, everyone):
        eviction = at.memory.evictions.get(process.tag.instance)
        if at.app.spec.restart_policy is RestartPolicy.NEVER:
            return f"{process.name} {process.outgrown}; restartPolicy is Never, so it stays"
        if eviction is None or eviction.replace_at <= at.now:
            return f"{process.name} {process.outgrown}; it is being replaced"
        wait = math.ceil(eviction.replace_at - at.now)
        often = f", {eviction.times} times in a row; replaced in {wait} s"
        return f"{process.name} {process.outgrown}{often}"
    for process in everyone if at.memory.evictions else ():
        before = recent(at, process.tag.instance, process.tag.hash)
        if before is not None and before.times > 1:
            ago = math.floor(at.now - before.at)
            text = f"outgrew limits.memory {before.times} times in a row, last {ago} s ago"
            return f"{process.name} {text}: it {before.message}"
    return ""


def _evict(process: Process, before: Eviction | None, spec: AppSpec, now: float) -> Eviction:
    tag, times = process.tag, 1
    young = now - process.started_at < spec.backoff.reset_seconds
    if before is not None and young and same_revision(before.hash, tag.hash):
        times += before.times
    # From start to start, not from end to start as after a crash: it serves meanwhile, and what
    # took minutes to outgrow its limit has waited long enough.
    at = max(now, process.started_at + delay(spec.backoff, times, tag.nonce))
    limit, message = spec.limits.memory, process.outgrown
    return Eviction(tag.hash, limit, tag.nonce, process.started_at, now, times, at, message)


def _age(process: Process) -> tuple[float, str]:
    return process.started_at, process.tag.nonce
