"""One look at the host, for commands that run without a controller."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from reconciler.model.state.observed import Observed, ProcessId
from reconciler.observed.processes.credibility import UserOf, unknown
from reconciler.observed.processes.host import Host
from reconciler.observed.processes.identity import JournalWitness, NonceWitness


def snapshot(
    store: str,
    state_dir: Path,
    journal: JournalWitness,
    user_of: UserOf = unknown,
    cgroups: str = "",
    *,
    users: Iterable[int] = (),
    recorded: NonceWitness = lambda nonce: None,
    main_of: Callable[[str], ProcessId | None] = lambda nonce: None,
) -> Observed:
    """The processes of a store as they are now, nothing held and nothing changed.

    Whether one is ready is unknown without its probe: ``ready`` is True. When its stop
    began stands in the journal. ``cgroups`` is ``CgroupFacts.path``; ``users`` are those as whom
    apps are declared to run. OSError where we are out of files.
    """
    host = Host(
        store,
        state_dir,
        None,
        journal=journal,
        recorded=recorded,
        main_of=main_of,
        user_of=user_of,
        cgroups=cgroups,
    )
    host.trust(users)
    host.relist()
    host.sample_states()
    return Observed(host.processes(), host.faults)
