"""The processes of one app, sorted by what a rollout has to know of them.

Kubernetes keeps a ReplicaSet a revision for this; here the tag on each process says it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from reconciler.diff.backoff import holds
from reconciler.model.manifest import AppSpec
from reconciler.model.memory import AppMemory
from reconciler.model.observed import Process, RunState
from reconciler.model.revision import same_revision


@dataclass(frozen=True, slots=True)
class Replicas:
    """One app's processes against its target revision. Lists are ordered by instance, then age."""

    wanted: int
    target: str | None
    """Hash of the revision that shall run; None: none may (it failed, and none before was good)."""
    current: tuple[Process, ...]
    """Of the target revision, one a number below ``wanted``, not stopping."""
    extra: tuple[Process, ...]
    """Of the target revision, but with a number that is too high or taken."""
    old: tuple[Process, ...]
    """Of another revision (or older than a requested restart), not stopping."""
    stopping: tuple[Process, ...]
    eligible: tuple[int, ...]
    """Numbers without a current process that may be started now: those that no process of any
    revision holds come first, so that a number's port is free when it is taken."""
    blocked: tuple[int, ...]
    """Numbers whose last process of this revision has yet to go, with all its children."""
    waiting: tuple[int, ...]
    """Numbers in backoff."""
    done: tuple[int, ...]
    """Numbers that ended and are not to be started again (restartPolicy)."""

    @property
    def settled(self) -> bool:
        """Nothing of another revision, nothing too much, nothing on its way out."""
        return not (self.old or self.extra or self.stopping)


def sort(
    spec: AppSpec,
    target: str | None,
    processes: Iterable[Process],
    memory: AppMemory,
    now: float,
) -> Replicas:
    """Sort an app's processes. Order of the input does not matter."""
    wanted = spec.wanted if target is not None else 0
    current: dict[int, Process] = {}
    extra: list[Process] = []
    old: list[Process] = []
    stopping: list[Process] = []
    for process in sorted(processes, key=lambda p: (p.tag.instance, p.started_at, p.tag.nonce)):
        number = process.tag.instance
        if process.state is RunState.STOPPING:
            stopping.append(process)
        elif target is None or not _is_current(process, target, memory):
            old.append(process)
        elif number in current or number >= wanted:
            extra.append(process)
        else:
            current[number] = process
    leaving = {p.tag.instance for p in stopping if target and same_revision(p.tag.hash, target)}
    eligible: list[int] = []
    blocked: list[int] = []
    waiting: list[int] = []
    done: list[int] = []
    for number in range(wanted):
        if number in current or target is None:
            continue
        ended = holds(memory, number, target)
        if number in leaving:
            blocked.append(number)
        elif ended is None or (ended.retry_at is not None and ended.retry_at <= now):
            eligible.append(number)
        else:
            (done if ended.retry_at is None else waiting).append(number)
    held = {process.tag.instance for process in (*old, *stopping, *extra)}
    eligible.sort(key=lambda number: (number in held, number))
    return Replicas(
        wanted,
        target,
        tuple(current.values()),
        tuple(extra),
        tuple(old),
        tuple(stopping),
        tuple(eligible),
        tuple(blocked),
        tuple(waiting),
        tuple(done),
    )


def available_at(process: Process, spec: AppSpec) -> float | None:
    """Boot seconds from which the process counts as available; None while it is not ready."""
    if process.ready is not True or process.state is not RunState.RUNNING:
        return None
    since = process.started_at if process.ready_at is None else process.ready_at
    return since + spec.min_ready


def is_available(process: Process, spec: AppSpec, now: float) -> bool:
    """Ready for ``minReadySeconds`` (Kubernetes: IsPodAvailable)."""
    at = available_at(process, spec)
    return at is not None and at <= now


def _is_current(process: Process, target: str, memory: AppMemory) -> bool:
    asked = memory.restart_requested_at
    if asked is not None and process.started_at < asked:
        return False
    return same_revision(process.tag.hash, target)
