"""A canary: the new revision proves itself on a few instances before the others follow.

It is on when an edit meets a good revision that runs: a first deploy has nothing to fall back to,
and a revision that was good once (an undo) has nothing to prove. After ``instances`` of the new
one are available, the rollout is held until each has stayed so for ``seconds``; then it goes on by
itself. A canary that had been ready and ends, or whose probe fails, makes its revision a failed
one, and what that means is told in ``progress``: the last good one takes over.

One that never gets ready is judged by ``progressDeadlineSeconds``, as in any rollout; the
canary's own waiting is not counted against that. The wait is counted from the processes'
``ready_at``, which a new controller learns again: then it begins again.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace

from reconciler.diff.core import history
from reconciler.diff.core.hold import Hold
from reconciler.diff.core.replicas import available_at
from reconciler.diff.core.situation import AppSituation
from reconciler.diff.rollout.freeze import freeze
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.strategy import Canary
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory, Failure
from reconciler.model.state.observed import Process, RunState
from reconciler.model.state.reason import EventReason
from reconciler.model.state.revision import same_revision
from reconciler.model.words.quantity import resolve_share


def begin(at: AppSituation) -> AppSituation:
    """Put a revision that was recorded just now on its canary, if it has one."""
    revision = at.revision
    if at.app.spec.strategy.canary is None or not at.is_new_revision or revision.good:
        return at
    good = history.last_good(at.memory)
    serves = good is not None and any(
        same_revision(p.tag.hash, good.hash)
        and p.state is RunState.RUNNING
        and p.ready is not False
        for p in at.replicas.old
    )
    return at.after(replace(at.memory, canary=revision.number)) if serves else at


def is_on(spec: AppSpec, memory: AppMemory) -> bool:
    """Whether the last revision has yet to prove itself."""
    if spec.strategy.canary is None or not memory.canary or spec.wanted == 0:
        return False
    revision = memory.revisions[-1]
    if revision.number != memory.canary or revision.good or revision.failed:
        return False
    return history.last_good(memory) is not None


def judge(at: AppSituation) -> AppSituation:
    """Look at the canary: it has failed, it has passed, or it goes on."""
    spec, memory, revision = at.app.spec, at.memory, at.revision
    if not is_on(spec, memory) or memory.paused:
        return at
    why = next(_faults(at), None)
    if why is not None:
        ended = {n: e for n, e in memory.ended.items() if not same_revision(e.hash, revision.hash)}
        failed = history.give_up(replace(memory, ended=ended), Failure.CANARY, why)
        return at.after(failed, Event(at.app.name, EventReason.CANARY_FAILED, why, "Warning"))
    until = _passes_at(at)
    if until is None or until > at.now:
        return at
    seconds = _canary(spec).seconds
    message = (
        f"revision {revision.number} stayed available for {seconds:g} s on {size(spec)} of"
        f" {spec.wanted} instances; continuing"
    )
    return at.after(promoted(memory), Event(at.app.name, EventReason.CANARY_PASSED, message))


def promoted(memory: AppMemory) -> AppMemory:
    """The memory in which nothing has to prove itself."""
    return replace(memory, canary=0)


def _passes_at(at: AppSituation) -> float | None:
    """Boot seconds at which enough will have stayed available; None while too few are."""
    spec, replicas = at.app.spec, at.replicas
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


def gate(at: AppSituation) -> Hold | None:
    """The hold of an app whose new revision is on its canary; None where it is not."""
    if not is_on(at.app.spec, at.memory):
        return None
    good = history.last_good(at.memory)
    assert good is not None
    good_hash, until = good.hash, _passes_at(at)

    def candidates(number: int, kept: Sequence[Process]) -> tuple[str]:
        return (good_hash,)

    numbers = _numbers(at, good_hash)
    message = _message(at, until)
    may_run = at.memory.is_usable
    return freeze(at, "canary", message, candidates, may_run, open_numbers=numbers, until=until)


def _numbers(at: AppSituation, good: str) -> frozenset[int]:
    """The numbers that are canaries: those that are so already, and of the others those that have
    no process of the good revision to lose, then the lowest."""
    spec, replicas = at.app.spec, at.replicas
    current = {process.tag.instance for process in replicas.current}
    unproven = {p.tag.instance for p in replicas.old if not same_revision(p.tag.hash, good)}
    order = sorted(range(spec.wanted), key=lambda n: (n not in current, n not in unproven, n))
    return frozenset(order[: size(spec)])


def _faults(at: AppSituation) -> Iterator[str]:
    for process in at.replicas.current:
        if process.ready is False and process.was_ready:
            yield f"canary {process.name} failed: it is no longer ready"
    for number, ended in sorted(at.memory.ended.items()):
        well = ended.retry_at is None and at.app.spec.is_success(ended.exit)
        if ended.served and not well and same_revision(ended.hash, at.revision.hash):
            yield f"canary {at.app.name}-{number} failed: {ended.message}"


def _message(at: AppSituation, until: float | None) -> str:
    number, count = at.revision.number, len(at.replicas.current)
    runs = "runs" if count == 1 else "run"
    message = f"canary: {count} of {at.app.spec.wanted} instances {runs} revision {number}"
    return message if until is not None else f"{message}, not yet available"


def _canary(spec: AppSpec) -> Canary:
    assert spec.strategy.canary is not None
    return spec.strategy.canary
