"""A canary: the new revision proves itself on a few instances before the others follow.

It is on when an edit meets a good revision that runs: a first deploy has nothing to fall back to,
and a revision that was good once (an undo) has nothing to prove. After ``instances`` of the new
one are available, the rollout is held until each has stayed so for ``seconds``; then it goes on by
itself. A canary that had been ready and ends, or whose probe fails, makes its revision a failed
one, and what that means is told in ``progress``: the last good one takes over.

One that never gets ready is judged by ``progressDeadlineSeconds``, as in any rollout; the
canary's own waiting is not counted against that. The wait is reckoned from the processes'
``ready_at``, which a new controller learns anew: then it begins again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from reconciler.diff.core import history
from reconciler.diff.core.replicas import Replicas, available_at
from reconciler.diff.rollout.hold import Hold, hold
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.strategy import Canary
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, Failure
from reconciler.model.state.observed import Process, RunState
from reconciler.model.state.revision import same_revision
from reconciler.model.words.quantity import resolve_share


def begin(spec: AppSpec, replicas: Replicas, before: AppMemory, after: AppMemory) -> AppMemory:
    """The memory in which a revision that was recorded just now is on its canary, if it has one."""
    revision = after.revisions[-1]
    is_new = not before.revisions or before.revisions[-1].number != revision.number
    if not is_new or spec.strategy.canary is None or revision.good:
        return after
    good = history.last_good(after)
    serves = good is not None and any(
        same_revision(p.tag.hash, good.hash)
        and p.state is RunState.RUNNING
        and p.ready is not False
        for p in replicas.old
    )
    return replace(after, canary=revision.number) if serves else after


def is_on(spec: AppSpec, memory: AppMemory) -> bool:
    """Whether the last revision has yet to prove itself."""
    if spec.strategy.canary is None or not memory.canary or spec.wanted == 0:
        return False
    revision = memory.revisions[-1]
    if revision.number != memory.canary or revision.good or revision.failed:
        return False
    return history.last_good(memory) is not None


def judge(
    app: str, spec: AppSpec, replicas: Replicas, memory: AppMemory, now: float
) -> tuple[AppMemory, tuple[Event, ...]]:
    """The memory after looking at the canary: it failed, it passed, or it goes on."""
    if not is_on(spec, memory) or memory.paused:
        return memory, ()
    why = next(_faults(app, spec, replicas, memory), None)
    if why is not None:
        revision = memory.revisions[-1]
        ended = {n: e for n, e in memory.ended.items() if not same_revision(e.hash, revision.hash)}
        failed = history.give_up(replace(memory, ended=ended), Failure.CANARY, why)
        return failed, (Event(app, "CanaryFailed", why, "Warning"),)
    at = passes_at(spec, replicas)
    if at is None or at > now:
        return memory, ()
    number, seconds = memory.revisions[-1].number, _canary(spec).seconds
    told = f"revision {number} stayed available for {seconds:g} s on {_share(spec)}; going on"
    return promoted(memory), (Event(app, "CanaryPassed", told),)


def promoted(memory: AppMemory) -> AppMemory:
    """The memory in which nothing has to prove itself."""
    return replace(memory, canary=0)


def passes_at(spec: AppSpec, replicas: Replicas) -> float | None:
    """Boot seconds at which enough will have stayed available; None while too few are."""
    ups = (available_at(p, spec) for p in replicas.current if p.tag.nonce in replicas.up)
    since = sorted(at for at in ups if at is not None)
    need = size(spec) - len(replicas.done)
    if need <= 0:
        return -math.inf
    return since[need - 1] + _canary(spec).seconds if len(since) >= need else None


def size(spec: AppSpec) -> int:
    """How many instances are canaries: at least one, at most all."""
    share = resolve_share(_canary(spec).instances, spec.wanted, round_up=True)
    return max(1, min(share, spec.wanted))


def of(spec: AppSpec, replicas: Replicas, memory: AppMemory, now: float) -> Hold | None:
    """The hold of an app whose new revision is on its canary; None where it is not."""
    if not is_on(spec, memory):
        return None
    good = history.last_good(memory)
    assert good is not None
    good_hash = good.hash
    until = passes_at(spec, replicas)

    def revision_of(number: int, kept: Sequence[Process]) -> str | None:
        return good_hash

    return hold(
        "canary",
        spec,
        replicas,
        memory,
        now,
        open_numbers=_numbers(spec, replicas, good_hash),
        revision_of=revision_of,
        message=_message(spec, replicas, memory, until),
        until=until,
    )


def _numbers(spec: AppSpec, replicas: Replicas, good: str) -> frozenset[int]:
    """The numbers that are canaries: those that are so already, and of the others those that have
    no process of the good revision to lose, then the lowest."""
    current = {process.tag.instance for process in replicas.current}
    unproven = {p.tag.instance for p in replicas.old if not same_revision(p.tag.hash, good)}
    order = sorted(range(spec.wanted), key=lambda n: (n not in current, n not in unproven, n))
    return frozenset(order[: size(spec)])


def _faults(app: str, spec: AppSpec, replicas: Replicas, memory: AppMemory) -> Iterator[str]:
    for process in replicas.current:
        if process.ready is False and process.was_ready:
            yield f"canary {process.name} failed: it is not ready any more"
    target = memory.revisions[-1].hash
    for number, ended in sorted(memory.ended.items()):
        well = ended.retry_at is None and spec.is_success(ended.exit)
        if ended.served and not well and same_revision(ended.hash, target):
            yield f"canary {app}-{number} failed: {ended.told}"


def _message(spec: AppSpec, replicas: Replicas, memory: AppMemory, until: float | None) -> str:
    number, count = memory.revisions[-1].number, len(replicas.current)
    runs = "runs" if count == 1 else "run"
    told = f"canary: {count} of {spec.wanted} instances {runs} revision {number}"
    return told if until is not None else f"{told}, not yet available"


def _share(spec: AppSpec) -> str:
    return f"{size(spec)} of {spec.wanted} instances"


def _canary(spec: AppSpec) -> Canary:
    assert spec.strategy.canary is not None
    return spec.strategy.canary
