"""Load safety: may the host be asked to run more instances than before?

Guarantee: a rise of the count of instances that this host has no room for is never let in without
a person (see ``admission`` for what it means that it waits).

What is compared: the room that the host has left, with what is missing of all apps, the rises and
all that is still starting. One more instance takes what those that run take on average; where
none has run for a while, a guess that is low. Of several rises at once the smaller ones go first,
and equal ones are judged together: ten files may not do what one may not, and an instance more of
one app does not wait because of a thousand of another.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from reconciler.diff.admission import admitted, count_of
from reconciler.diff.core.capacity import DESCRIPTORS, LEAST, SPARE
from reconciler.diff.jobs import runs
from reconciler.diff.rollout.rolling import fenceposts
from reconciler.model.host.load import Room, Shortage, Use, Withheld
from reconciler.model.spec.strategy import StrategyType
from reconciler.model.state.desired import DesiredApp, DesiredJob, Workload
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.revision import same_revision

GUESS = 8 << 20
"""Bytes of its own that an instance of an unknown program takes. Measured with nothing of their
own to run: Python 7 MiB, Node 6 MiB, a shell 0.3 MiB. A real service takes more."""
_NOTHING = Use()


@dataclass(frozen=True, slots=True)
class _Demand:
    """What one app asks of the host."""

    app: Workload
    before: int
    """Instances that may run."""
    count: int
    """Instances that are declared to."""
    surge: int
    """How many more an update that is under way may start meanwhile."""
    use: Use

    @property
    def rise(self) -> int:
        return self.count - self.before

    @property
    def is_measured(self) -> bool:
        """Some run that have settled, or take more than the guess already."""
        return self.use.memory > 0 or self.use.young_memory > self._guess

    @property
    def _guess(self) -> int:
        return max(LEAST, min(GUESS, self.app.spec.limits.memory or GUESS))

    def each(self, of: Shortage) -> int:
        """What one instance takes."""
        use = self.use
        match of:
            case Shortage.MEMORY:
                if use.memory:
                    return max(LEAST, use.memory)
                return max(self._guess, use.young_memory)
            case Shortage.PROCESSES:
                return max(1, use.tasks or use.young_tasks)
            case Shortage.FILES:
                return DESCRIPTORS

    def rise_in(self, of: Shortage) -> int:
        """What its rise takes."""
        return self.lacks(self.count, of) - self.lacks(self.before, of)

    def lacks(self, count: int, of: Shortage) -> int:
        """What is missing until so many run, beyond what those that do have already."""
        if not count:
            return 0
        each, use = self.each(of), self.use
        needed = (count + min(self.surge, count)) * each
        if not (use.settled or use.young):
            return needed
        young = {Shortage.MEMORY: use.young_memory, Shortage.PROCESSES: use.young_tasks}
        there = use.settled * each + use.young * min(each, max(1, young.get(of, each)))
        return max(0, needed - there)


def most_at_once(
    apps: Mapping[str, Workload], memory: Mapping[str, AppMemory], blank: AppMemory
) -> Mapping[str, int]:
    """How many processes of each app there are at most, were every rise let in."""
    found = {}
    for name, app in apps.items():
        known = memory.get(name, blank)
        count = _requested(app, known)
        found[name] = count + min(count, _surge(app, known, count))
    return found


def verdicts(
    apps: Mapping[str, Workload],
    memory: Mapping[str, AppMemory],
    uses: Mapping[str, Use],
    room: Room,
    *,
    blank: AppMemory,
) -> dict[str, Withheld | None]:
    """The verdict on every app whose count rises, judged together.

    ``uses`` of all that run, declared or not; ``blank`` is the memory of an app without one.
    """
    demands = [*_demands(apps, memory, uses, blank)]
    rising = sorted((one for one in demands if one.rise > 0), key=lambda one: one.rise)
    if not rising:
        return {}
    left = _room_left(demands, uses, room)
    sums = dict.fromkeys(left, 0)
    found: dict[str, Withheld | None] = {}
    for _, group in groupby(rising, key=lambda one: one.rise):
        equal = [*group]
        for of in left:
            sums[of] += sum(one.rise_in(of) for one in equal)
        together = len(found) + len(equal)
        short = [of for of in left if sums[of] > left[of]]
        for one in equal:
            found[one.app.name] = _verdict(one, short, left, sums, together)
    return found


def _demands(
    apps: Mapping[str, Workload],
    memory: Mapping[str, AppMemory],
    uses: Mapping[str, Use],
    blank: AppMemory,
) -> Iterator[_Demand]:
    for name, app in apps.items():
        known, use = memory.get(name, blank), uses.get(name, _NOTHING)
        count, before = _requested(app, known), admitted(app, use.running, known)
        if isinstance(app, DesiredJob) and before:
            before = count  # its runs are not rises
        before = min(count, max(before, known.confirmed))
        yield _Demand(app, before, count, _surge(app, known, count), use)


def _requested(app: Workload, memory: AppMemory) -> int:
    """How many instances are asked for. A rise that waits already is not asked for again."""
    count, held = count_of(app), memory.withheld
    if isinstance(app, DesiredJob) and memory.admitted:
        return len(runs.active(memory))
    waits = held is not None and held.count == count and not held.again
    return memory.admitted or 0 if waits else count


def _surge(app: Workload, memory: AppMemory, count: int) -> int:
    """How many more than declared an update starts that is under way, or is about to begin."""
    known = memory.revisions
    if not isinstance(app, DesiredApp) or not known:
        return 0
    strategy = app.spec.strategy
    if strategy.type is not StrategyType.ROLLING_UPDATE:
        return 0
    is_new = not same_revision(known[-1].hash, app.hash)
    is_under_way = memory.progressed_at is not None and len(known) > 1
    return fenceposts(strategy, count)[0] if is_new or is_under_way else 0


def _room_left(
    demands: Sequence[_Demand], uses: Mapping[str, Use], room: Room
) -> Mapping[Shortage, int]:
    """What of each resource is left for rises, once all is there that may run already."""
    running = sum(use.running for use in uses.values())
    files = room.files - SPARE - DESCRIPTORS * running if room.files is not None else None
    there = {
        Shortage.MEMORY: room.memory,
        Shortage.PROCESSES: room.processes,
        Shortage.FILES: files,
    }
    return {
        of: free - sum(one.lacks(one.before, of) for one in demands)
        for of, free in there.items()
        if free is not None
    }


def _verdict(
    one: _Demand,
    short: Sequence[Shortage],
    left: Mapping[Shortage, int],
    sums: Mapping[Shortage, int],
    together: int,
) -> Withheld | None:
    for of in short:
        room, alone = left[of], one.rise_in(of)
        if not alone:
            continue
        is_alone = together == 1 or alone > room
        return Withheld(
            count=one.count,
            before=one.before,
            reason=of,
            needed=alone if is_alone else sums[of],
            room=max(0, room),
            each=one.each(of),
            measured=one.is_measured,
            apps=1 if is_alone else together,
        )
    return None
