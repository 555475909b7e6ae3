"""Which process listens on a port: an instance by its name, else what the host knows of it.

Looks through /proc: never on the event loop.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from typing import NamedTuple

from reconciler.model.state.observed import Process
from reconciler.model.words.address import Address
from reconciler.observed.probes import listeners
from reconciler.system import accounts, procfs


class Holder(NamedTuple):
    """A process that listens on a port."""

    name: str
    """``web-0 (pid 7)``, else what the host knows of it."""
    same_app: bool


def holder_of(port: int, processes: Iterable[Process], but: Container[int] = ()) -> Holder | None:
    """The process that listens there, one of ``processes`` or another; None: no process, or a pid
    of ``but``."""
    inodes = listeners.listening(Address("0.0.0.0", port))
    if not inodes:
        return None
    for process in processes:
        if listeners.holders(inodes, pids_of(process)):
            pid = process.id.pid
            return None if pid in but else Holder(f"{process.name} (pid {pid})", same_app=True)
    return Holder(listeners.describe(inodes, user_of=_user), same_app=False)


def pids_of(process: Process) -> set[int]:
    """All processes of an instance."""
    return {*procfs.family(process.id.pid), *(id.pid for id in process.stragglers)}


def _user(uid: int) -> str:
    """The name of a user, else the number."""
    return accounts.user_name(uid) or str(uid)
