"""A rollout that is held: by `recon rollout pause`, a build, a Job that it needs, or its canary.

What runs is kept as it runs, of whatever revision. What crashes comes back as what it was, and a
change of scale is carried out: as with the ReplicaSets of a paused Deployment, each of which keeps
its own count. Only the numbers that are ``open`` may go over to the new revision.

The strategies know nothing of it: they are given other ``Replicas`` to reckon with, in which what
is held counts as current.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from reconciler.diff.core.backoff import holds
from reconciler.diff.core.replicas import Replicas
from reconciler.diff.rollout import eviction
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.memory import AppMemory, Ended
from reconciler.model.state.observed import Process
from reconciler.model.state.revision import same_revision

HeldBy = Literal["pause", "build", "dependency", "canary", "memory"]


@dataclass(frozen=True, slots=True)
class Hold:
    """Who holds a rollout, and what the strategies are to reckon with meanwhile."""

    by: HeldBy
    message: str
    """A sentence, the same as long as nothing but the time is another."""
    replicas: Replicas
    hashes: Mapping[int, str]
    """What each number that has no process is to be started with."""
    until: float | None = None
    """Boot seconds at which it ends by itself; None where it does not (yet)."""

    @property
    def waits(self) -> bool:
        """Nothing of the rollout can be late meanwhile: no deadline runs."""
        return self.by != "canary" or self.until is not None

    @property
    def is_whole(self) -> bool:
        """All that is wanted is there and available, of whatever revision."""
        held = self.replicas
        up = {p.tag.instance for p in held.current if p.tag.nonce in held.up}
        return held.settled and len(up) + len(held.done) >= held.wanted


RevisionOf = Callable[[int, Sequence[Process]], str | None]
"""The hash that a held number is to run, given all held processes; None where nobody knows."""


def hold(
    by: HeldBy,
    spec: AppSpec,
    replicas: Replicas,
    memory: AppMemory,
    now: float,
    *,
    open_numbers: frozenset[int],
    revision_of: RevisionOf,
    message: str,
    until: float | None = None,
) -> Hold:
    """The hold. ``replicas``: the processes sorted by the revision that shall run at last."""
    wanted = spec.wanted
    everyone = [*_everyone(replicas)]
    evicted = {
        process.tag.nonce: process
        for process, _ in everyone
        if process.tag.instance < wanted and eviction.is_due(process, spec, memory, now)
    }
    kept, old, extra = _sorted(everyone, wanted, open_numbers, evicted)
    ran = {process.tag.instance: process.tag.hash for process in evicted.values()}
    by_number: dict[int, list[Process]] = {}
    for process in kept:
        by_number.setdefault(process.tag.instance, []).append(process)
    absent = dict(replicas.absent)
    hashes: dict[int, str] = {}
    for number in range(wanted):
        mine = by_number.get(number, [])
        hash: str | None
        if number in open_numbers:
            hash = None if mine else replicas.target
        elif number in absent:
            hash = absent[number]
        elif not mine:
            known = memory.revision(ran.get(number, ""))
            usable = known is not None and known.failed is None
            hash = ran[number] if usable else revision_of(number, kept)
        else:
            hash = _uncovered(mine, memory.ended.get(number), replicas.up)
        if hash is not None:
            hashes[number] = hash
    states: dict[str, list[int]] = {}
    for number, hash in hashes.items():
        states.setdefault(
            _state(number, hash, replicas.stopping, spec, memory=memory, now=now), []
        ).append(number)
    taken = {p.tag.instance for p in (*old, *replicas.stopping, *extra)}
    eligible = sorted(states.get("eligible", ()), key=lambda number: (number in taken, number))
    view = replace(
        replicas,
        wanted=wanted,
        current=tuple(kept),
        old=tuple(old),
        extra=tuple(extra),
        spared=(),
        eligible=tuple(eligible),
        blocked=tuple(states.get("blocked", ())),
        waiting=tuple(states.get("waiting", ())),
        done=tuple(states.get("done", ())),
        lost=tuple(states.get("lost", ())),
        leaving_old=bool(replicas.stopping),
        evicted=frozenset(evicted),
        absent=(),
        returning=(),
    )
    return Hold(by, message, view, hashes, until)


def _sorted(
    everyone: Iterable[tuple[Process, bool]],
    wanted: int,
    open_numbers: frozenset[int],
    evicted: Container[str],
) -> tuple[list[Process], list[Process], list[Process]]:
    """(kept, old, extra): what is held, what makes room for the new revision, what is too much."""
    kept: list[Process] = []
    old: list[Process] = []
    extra: list[Process] = []
    seen: set[tuple[int, str, bool]] = set()
    for process, is_current in everyone:
        number = process.tag.instance
        same = (number, process.tag.hash, is_current)
        if number >= wanted or same in seen:
            extra.append(process)
        elif process.tag.nonce in evicted or (number in open_numbers and not is_current):
            old.append(process)
        else:
            seen.add(same)
            kept.append(process)
    return kept, old, extra


def _everyone(replicas: Replicas) -> Iterator[tuple[Process, bool]]:
    """All that is not stopping, and whether it is of the revision that shall run."""
    yield from ((process, True) for process in (*replicas.current, *replicas.extra))
    yield from ((process, False) for process in (*replicas.old, *replicas.spared))


def _uncovered(mine: Sequence[Process], ended: Ended | None, up: frozenset[str]) -> str | None:
    """The revision that a number lost while what is left of it cannot serve in its place."""
    if ended is None or any(process.tag.nonce in up for process in mine):
        return None
    lives = any(same_revision(process.tag.hash, ended.hash) for process in mine)
    return None if lives else ended.hash


def _state(
    number: int,
    hash: str,
    stopping: Sequence[Process],
    spec: AppSpec,
    *,
    memory: AppMemory,
    now: float,
) -> str:
    """Whether a number without its process may be started now (see ``Replicas``)."""
    if any(p.tag.instance == number and same_revision(p.tag.hash, hash) for p in stopping):
        return "blocked"
    ended = holds(memory, number, hash)
    if ended is None:
        return "eligible"
    if ended.retry_at is None:
        return "done" if spec.is_success(ended.exit) else "lost"
    return "eligible" if ended.retry_at <= now else "waiting"
