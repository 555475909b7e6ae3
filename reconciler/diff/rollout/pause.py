"""`recon rollout pause`: the rollout stands still, the app does not (Kubernetes: spec.paused).

No process is started or stopped for the sake of the rollout, no deadline runs. What crashes comes
back at the revision it ran, and scaling works. Kubernetes scales all ReplicaSets of a paused
Deployment in proportion; here a new number gets the revision that most of the others run.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

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

    def revision_of(number: int, kept: Sequence[Process]) -> str | None:
        ended = memory.ended.get(number)
        if ended is not None and _is_usable(ended.hash, memory):
            return ended.hash
        return _commonest(kept, memory) or _last_good(memory) or at.replicas.target

    message = f"rollout paused; `recon rollout resume {at.app.name}` continues it"
    return freeze(at, "pause", message, revision_of)


def _commonest(processes: Sequence[Process], memory: AppMemory) -> str | None:
    counts = Counter(p.tag.hash for p in processes if _is_usable(p.tag.hash, memory))
    if not counts:
        return None
    return max(counts, key=lambda hash: (counts[hash], history.number_of(memory, hash)))


def _last_good(memory: AppMemory) -> str | None:
    good = history.last_good(memory)
    return good.hash if good else None


def _is_usable(hash: str, memory: AppMemory) -> bool:
    """A program of that revision can be started, and did not prove bad."""
    revision = memory.revision(hash)
    return revision is not None and revision.failed is None
