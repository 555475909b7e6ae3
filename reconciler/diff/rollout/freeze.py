"""A rollout that is held: by `recon rollout pause`, a build, a Job that it needs, or its canary.

What runs is kept as it runs, of whatever revision. What crashes comes back as what it was, and a
change of scale is carried out: as with the ReplicaSets of a paused Deployment, each of which keeps
its own count. Only the numbers that are ``open`` may go over to the new revision.

The strategies know nothing of it: they are given other ``Replicas`` to calculate with, in which
what is held counts as current.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from dataclasses import replace

from reconciler.diff.core.backoff import holds
from reconciler.diff.core.hold import HeldBy, Hold
from reconciler.diff.core.replicas import Replicas, is_evicted
from reconciler.diff.core.situation import AppSituation
from reconciler.model.state.memory import Ended
from reconciler.model.state.observed import Process
from reconciler.model.state.revision import same_revision

Candidates = Callable[[int, Sequence[Process]], Iterable[str]]
"""The hashes that a held number without a process may run, the best first, given all held
processes."""
MayRun = Callable[[str], bool]
"""Whether a process of the revision of this hash may be started while the rollout is held."""


def freeze(
    at: AppSituation,
    by: HeldBy,
    message: str,
    candidates: Candidates,
    may_run: MayRun,
    *,
    open_numbers: frozenset[int] = frozenset(),
    until: float | None = None,
) -> Hold:
    """The hold of a rollout, made from the processes sorted by the revision that it leads to."""
    spec, replicas, memory = at.app.spec, at.replicas, at.memory
    wanted = spec.wanted
    everyone = [*_everyone(replicas)]
    processes = [process for process, _ in everyone]

    def first(*hashes: str | None) -> str | None:
        return next((hash for hash in hashes if hash is not None and may_run(hash)), None)

    def has_successor(process: Process) -> bool:
        number = process.tag.instance
        if number in open_numbers:
            return True
        return first(process.tag.hash, *candidates(number, processes)) is not None

    evicted = {
        process.tag.nonce: process
        for process in processes
        if process.tag.instance < wanted
        and is_evicted(process, spec, memory, at.now)
        and has_successor(process)
    }
    kept, old, extra = _sorted(everyone, wanted, open_numbers, evicted)
    ran = {process.tag.instance: process.tag.hash for process in evicted.values()}
    by_number: dict[int, list[Process]] = {}
    for process in kept:
        by_number.setdefault(process.tag.instance, []).append(process)
    absent = dict(replicas.absent)
    hashes: dict[int, str] = {}
    for number in range(wanted):
        of_number = by_number.get(number, [])
        hash: str | None
        if number in open_numbers:
            hash = None if of_number else replicas.target
        elif number in absent:
            hash = first(absent[number])
        elif of_number:
            hash = first(_uncovered(of_number, memory.ended.get(number), replicas.up))
        else:
            hash = first(ran.get(number), *candidates(number, kept))
        if hash is not None:
            hashes[number] = hash
    states: dict[str, list[int]] = {}
    for number, hash in hashes.items():
        states.setdefault(_state(at, number, hash), []).append(number)
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


def ran(at: AppSituation, number: int, kept: Sequence[Process]) -> Iterator[str]:
    """The hashes that a number may come back with: its own last, then what most others run."""
    ended = at.memory.ended.get(number)
    if ended is not None:
        yield ended.hash
    yield from (hash for hash, _ in Counter(one.tag.hash for one in kept).most_common())


def ran_or_good(at: AppSituation, number: int, kept: Sequence[Process]) -> Iterator[str]:
    """The same, then those of earlier revisions that were good, the newest first."""
    yield from ran(at, number, kept)
    yield from (known.hash for known in reversed(at.memory.revisions[:-1]) if known.good)


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
    """All that is not stopping, and whether it is of the revision that should run."""
    yield from ((process, True) for process in (*replicas.current, *replicas.extra))
    yield from ((process, False) for process in (*replicas.old, *replicas.spared))


def _uncovered(of_number: Sequence[Process], ended: Ended | None, up: frozenset[str]) -> str | None:
    """The revision that a number lost while what is left of it cannot serve in its place."""
    if ended is None or any(process.tag.nonce in up for process in of_number):
        return None
    lives = any(same_revision(process.tag.hash, ended.hash) for process in of_number)
    return None if lives else ended.hash


def _state(at: AppSituation, number: int, hash: str) -> str:
    """Whether a number without its process may be started now (see ``Replicas``)."""
    stopping = at.replicas.stopping
    if any(p.tag.instance == number and same_revision(p.tag.hash, hash) for p in stopping):
        return "blocked"
    ended = holds(at.memory, number, hash)
    if ended is None:
        return "eligible"
    if ended.retry_at is None:
        return "done" if at.app.spec.is_success(ended.exit) else "lost"
    return "eligible" if ended.retry_at <= at.now else "waiting"
