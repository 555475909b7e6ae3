"""`recon rollout pause`: the rollout stands still, the app does not (Kubernetes: spec.paused).

No process is started or stopped for the sake of the rollout, no deadline runs. What crashes comes
back at the revision it ran, and scaling works. Kubernetes scales all ReplicaSets of a paused
Deployment in proportion; here a new number gets the revision that most of the others run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from reconciler.diff.core import history
from reconciler.diff.core.hold import Hold
from reconciler.diff.core.situation import AppSituation
from reconciler.diff.rollout.freeze import freeze
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Process


def gate(at: AppSituation) -> Hold | None:
    """The hold of a paused app; None where it is not paused."""
    memory = at.memory
    if not memory.paused:
        return None

    def candidates(number: int, kept: Sequence[Process]) -> Iterator[str]:
        if number in memory.ended:
            yield memory.ended[number].hash
        yield from _by_count(kept, memory)
        good = history.last_good(memory)
        yield from (hash for hash in (good and good.hash, at.replicas.target) if hash)

    message = f"rollout paused; `recon rollout resume {at.app.name}` continues it"
    return freeze(at, "pause", message, candidates, memory.is_usable)


def _by_count(processes: Sequence[Process], memory: AppMemory) -> list[str]:
    """The hashes of the processes, those of most first, then the newest."""
    counts = Counter(process.tag.hash for process in processes)
    return sorted(
        counts, key=lambda hash: (counts[hash], history.number_of(memory, hash)), reverse=True
    )
