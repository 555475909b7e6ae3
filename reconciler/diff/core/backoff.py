"""Backoff: when may a program that ended be started again?

First crash after a stable run: at once. Then 1 s, doubling, jittered, up to 60 s; forgiven after
600 s up (Kubernetes: CrashLoopBackOff, with a shorter ladder). The revision is part of the key:
an edit clears it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from reconciler.diff.core import history
from reconciler.model.spec.lifecycle import Backoff, RestartPolicy
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.memory import AppMemory, Ended
from reconciler.model.state.observed import Exit, Process, RunState
from reconciler.model.state.plan import Start
from reconciler.model.state.revision import same_revision
from reconciler.model.words.record import replace
from reconciler.model.words.sentence import Sentence


def after_exit(
    memory: AppMemory, process: Process, exit: Exit, spec: AppSpec, *, target: str, now: float
) -> AppMemory:
    """The memory after ``process`` ended; ``target`` is the hash that is to run.

    A process that was being stopped, or of a revision that is being left, leaves no trace; but
    one that is being stopped because a probe failed has crashed.
    """
    requested = process.state is RunState.STOPPING and not process.failed
    if requested or not same_revision(process.tag.hash, target):
        return memory
    if process.failed:  # ended by us, since it failed its probe: a crash, however it took it
        exit = Exit()
    number = process.tag.instance
    outgoing = history.is_outgoing(memory, process)
    ends = memory.left if outgoing else memory.ended
    before = holds(memory, number, target)
    failures = 1
    if before is not None and now - process.started_at < spec.backoff.reset_seconds:
        failures += before.failures
    again = _restarts(spec, exit)
    retry_at = now + delay(spec.backoff, failures, process.tag.nonce) if again else None
    served = process.was_ready
    if spec.readiness_probe is None:
        served = now - process.started_at >= spec.min_ready
    fault = process.failed
    uptime = max(0.0, now - process.started_at)
    ended = Ended(process.tag.hash, exit, now, failures, retry_at, fault, served, uptime)
    restarts: Mapping[int, int] = memory.restarts
    if again:
        restarts = {**restarts, number: restarts.get(number, 0) + 1}
    ends = {**ends, number: ended}
    if outgoing:
        return replace(memory, left=ends, restarts=restarts)
    return replace(memory, ended=ends, restarts=restarts)


def after_failed_start(
    memory: AppMemory, start: Start, fault: Sentence, spec: ProgramSpec, now: float
) -> AppMemory:
    """The memory after a program could not be started, and the app is to blame (not found, …).

    Trying again at once would be the same again, so the ladder begins at its second rung.
    """
    before = holds(memory, start.instance, start.hash)
    failures = before.failures + 1 if before else 1
    retry_at = now + delay(spec.backoff, failures + 1, f"{start.hash}{start.instance}{failures}")
    ended = Ended(*(start.hash, Exit(), now, failures, retry_at), str(fault), remedy=fault.remedy)
    if memory.leaving.get(start.instance) == start.hash and not history.is_held(memory):
        return replace(memory, left={**memory.left, start.instance: ended})
    return replace(memory, ended={**memory.ended, start.instance: ended})


def delay(backoff: Backoff, failures: int, seed: str) -> float:
    """Seconds to wait after the given number of crashes in a row (1 or more).

    ``seed`` makes the jitter of ±20 % a function of its arguments: apps that fell together do
    not get up together.
    """
    if failures <= 1:
        return 0.0
    # 2**64 seconds is beyond any cap, and a float; crashes may be many more than 64.
    full = min(backoff.initial_seconds * 2.0 ** min(failures - 2, 64), backoff.max_seconds)
    fraction = int.from_bytes(hashlib.blake2s(seed.encode(), digest_size=4).digest(), "big") / 2**32
    return min(full * (0.8 + 0.4 * fraction), backoff.max_seconds)


def holds(memory: AppMemory, instance: int, target: str) -> Ended | None:
    """The end that governs this instance number: None where the revision has none."""
    ended = memory.ended.get(instance)
    if ended is not None and not same_revision(ended.hash, target):
        ended = None
    left = memory.left.get(instance) if memory.left else None
    if left is None or not same_revision(left.hash, target):
        return ended
    # A revision that an edit has left may have an end of each kind: the last one counts.
    return ended if ended is not None and ended.at > left.at else left


def _restarts(spec: AppSpec, exit: Exit) -> bool:
    if spec.restart_policy is RestartPolicy.ALWAYS:
        return True
    return spec.restart_policy is RestartPolicy.ON_FAILURE and not spec.is_success(exit)
