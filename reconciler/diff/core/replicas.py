"""The processes of one app, sorted by what a rollout has to know of them.

Kubernetes keeps a ReplicaSet a revision for this; here the tag on each process says it.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass
from typing import NamedTuple

from reconciler.diff.core.backoff import holds
from reconciler.model.spec.lifecycle import RestartPolicy
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Process, RunState
from reconciler.model.state.revision import same_revision

_TICK = 0.01
"""Seconds: the kernel rounds the start of a process down to a tick (proc(5), USER_HZ)."""


class Returning(NamedTuple):
    """A number, and the earlier revision that it is to run again."""

    number: int
    hash: str


@dataclass(frozen=True, slots=True)
class Replicas:
    """One app's processes against its target revision. Lists are ordered by instance, then age."""

    wanted: int
    target: str | None
    """Hash of the revision that should run; None: none (it failed, and none before was good)."""
    current: tuple[Process, ...]
    """Of the target revision, one a number below ``wanted``, not stopping."""
    extra: tuple[Process, ...]
    """Of the target revision, but with a number that is too high or taken."""
    old: tuple[Process, ...]
    """Of another revision (or older than a requested restart, or evicted), not stopping."""
    stopping: tuple[Process, ...]
    spared: tuple[Process, ...]
    """Where no revision may run: what runs nevertheless and is not of the failed revision. No
    record says that it was good, but it is all there is, so it is left alone."""
    up: frozenset[str]
    """Nonces of the processes that are available now (see ``is_available``)."""
    eligible: tuple[int, ...]
    """Numbers without a current process that may be started now: those that no process of any
    revision holds come first, so that a number's port is free when it is taken."""
    blocked: tuple[int, ...]
    """Numbers whose last process of this revision has yet to go, with all its children."""
    waiting: tuple[int, ...]
    """Numbers in backoff."""
    done: tuple[int, ...]
    """Numbers that ended well and are not to be started again (restartPolicy)."""
    lost: tuple[int, ...]
    """Numbers that ended badly and are not to be started again (restartPolicy Never)."""
    leaving_old: bool
    """Something of another revision is on its way out."""
    evicted: frozenset[str] = frozenset()
    """Nonces of those in ``old`` that are so only because they outgrew `limits.memory`."""
    absent: tuple[Returning, ...] = ()
    """Instances of earlier revisions that ended unasked and are still needed (see ``outgoing``)."""
    returning: tuple[Returning, ...] = ()
    """Those of them that may be started now."""

    @property
    def settled(self) -> bool:
        """Nothing of another revision, nothing too much, nothing on its way out."""
        return not (self.old or self.extra or self.stopping)

    @property
    def is_running(self) -> bool:
        """Something runs that is not on its way out."""
        return bool(self.current or self.old or self.extra or self.spared)

    @property
    def up_numbers(self) -> set[int]:
        """Numbers whose current process is available."""
        return {p.tag.instance for p in self.current if p.tag.nonce in self.up}


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
    spared: list[Process] = []
    evicted: set[str] = set()
    for process in sorted(processes, key=lambda p: (p.tag.instance, p.started_at, p.tag.nonce)):
        number = process.tag.instance
        if process.state is RunState.STOPPING:
            stopping.append(process)
        elif target is None:
            (spared if _is_spared(process, spec, memory) else old).append(process)
        elif not _is_current(process, target, memory):
            old.append(process)
        elif number < wanted and is_evicted(process, spec, memory, now):
            old.append(process)
            evicted.add(process.tag.nonce)
        elif number in current or number >= wanted:
            extra.append(process)
        else:
            current[number] = process
    leaving = {p.tag.instance for p in stopping if target and same_revision(p.tag.hash, target)}
    missing = [number for number in range(wanted) if number not in current]
    may = (
        _missing(spec, missing, leaving, target, memory=memory, now=now)
        if target is not None
        else _NONE_MISSING
    )
    held = {process.tag.instance for process in (*old, *stopping, *extra)}
    may.eligible.sort(key=lambda number: (number in held, number))
    everyone = (*current.values(), *extra, *old, *spared)
    delay = spec.min_ready
    return Replicas(
        wanted=wanted,
        target=target,
        current=tuple(current.values()),
        extra=tuple(extra),
        old=tuple(old),
        stopping=tuple(stopping),
        spared=tuple(spared),
        up=frozenset(p.tag.nonce for p in everyone if _is_up(p, delay, now)),
        eligible=tuple(may.eligible),
        blocked=tuple(may.blocked),
        waiting=tuple(may.waiting),
        done=tuple(may.done),
        lost=tuple(may.lost),
        leaving_old=any(target is None or not _is_current(p, target, memory) for p in stopping),
        evicted=frozenset(evicted),
    )


def is_over(process: Process) -> bool:
    """Whether a process uses more than `limits.memory`."""
    return bool(process.outgrown) and process.state is not RunState.STOPPING


def is_evicted(process: Process, spec: AppSpec, memory: AppMemory, now: float) -> bool:
    """Whether a process is to be replaced now because it has outgrown its limit."""
    if not is_over(process) or spec.restart_policy is RestartPolicy.NEVER:
        return False
    eviction = memory.evictions.get(process.tag.instance)
    if eviction is None:
        return False
    # One that is older than what is remembered had been replaced when its successor outgrew, too.
    return eviction.nonce != process.tag.nonce or eviction.replace_at <= now


def available_at(process: Process, spec: AppSpec) -> float | None:
    """Boot seconds from which the process counts as available; None while it is not ready."""
    return _up_at(process, spec.min_ready)


def is_available(process: Process, spec: AppSpec, now: float) -> bool:
    """Ready for ``minReadySeconds`` (Kubernetes: IsPodAvailable)."""
    return _is_up(process, spec.min_ready, now)


class _Missing(NamedTuple):
    """The numbers without a current process, by whether they may be started now."""

    eligible: list[int]
    blocked: list[int]
    waiting: list[int]
    done: list[int]
    lost: list[int]


_NONE_MISSING = _Missing([], [], [], [], [])


def _missing(
    spec: AppSpec,
    numbers: Iterable[int],
    leaving: Container[int],
    target: str,
    *,
    memory: AppMemory,
    now: float,
) -> _Missing:
    found = _Missing([], [], [], [], [])
    for number in numbers:
        ended = holds(memory, number, target)
        if number in leaving:
            found.blocked.append(number)
        elif ended is None:
            found.eligible.append(number)
        elif ended.retry_at is None:
            (found.done if spec.is_success(ended.exit) else found.lost).append(number)
        else:
            (found.eligible if ended.retry_at <= now else found.waiting).append(number)
    return found


def _up_at(process: Process, delay: float) -> float | None:
    runs = process.state is RunState.RUNNING and not process.starting
    if process.ready is not True or not runs:
        return None
    since = process.started_at if process.ready_at is None else process.ready_at
    return since + delay


def _is_up(process: Process, delay: float, now: float) -> bool:
    at = _up_at(process, delay)
    return at is not None and at <= now


def _is_spared(process: Process, spec: AppSpec, memory: AppMemory) -> bool:
    if process.tag.instance >= spec.wanted or not memory.revisions:
        return False
    return not same_revision(process.tag.hash, memory.revisions[-1].hash)


def _is_current(process: Process, target: str, memory: AppMemory) -> bool:
    """One that is started in the tick of a requested restart is taken to be its outcome: else it
    would be replaced again and again until the tick is over."""
    requested_at = memory.restart_requested_at
    if requested_at is not None and process.started_at + _TICK <= requested_at:
        return False
    return same_revision(process.tag.hash, target)
