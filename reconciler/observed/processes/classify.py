"""Classify pids: processes of an instance, foreign ones, and those to look at again.

Reads only; what follows from it is the host's to do.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from reconciler.model.host.procstat import ProcStat
from reconciler.model.state.observed import Tag
from reconciler.observed.processes.identity import Witnesses
from reconciler.observed.processes.table import Table
from reconciler.system import procfs


class Classified(NamedTuple):
    """What was found. Processes that are known, dead, or the controller itself are left out."""

    claimed: dict[str, list[tuple[ProcStat, Tag]]]
    """By nonce: the main process first, if it is among them (design.md#identity: the leader of the
    session that started first, else the process that started first)."""
    nobodys: list[ProcStat]
    faults: dict[int, str]
    """By pid."""
    reused: list[int]
    """Pids that the table knows as processes which they are no more."""
    starting: list[int]
    """Pids that cannot be known yet, in the middle of an exec."""


def classify(pids: Iterable[int], table: Table, witnesses: Witnesses) -> Classified:
    """Examine these pids. OSError where we are out of files."""
    found = Classified({}, [], {}, [], [])
    unknown = [*_unknown(pids, table, witnesses.proc, found.reused)]
    environs = witnesses.environs.read([stat.pid for stat in unknown])
    for stat in unknown:
        environ = environs.get(stat.pid)
        if environ is None:  # it has ended since
            continue
        identity = witnesses.identify(stat, environ)
        if identity is not None:
            found.claimed.setdefault(identity.tag.nonce, []).append((stat, identity.tag))
            if identity.fault:
                found.faults[stat.pid] = identity.fault
            continue
        found.nobodys.append(stat)
        if environ.starting:
            found.starting.append(stat.pid)
    for members in found.claimed.values():
        members.sort(key=lambda member: (member[0].session != member[0].pid, member[0].start))
    return found


def _unknown(pids: Iterable[int], table: Table, proc: str, reused: list[int]) -> Iterator[ProcStat]:
    """Those that live and are not in the table."""
    for pid in pids:
        stat = _alive(pid, proc)
        if stat is None:
            continue
        member = table.member(pid)
        if member is not None:
            if member[0].start == stat.start:
                continue
            reused.append(pid)
        yield stat


def _alive(pid: int, proc: str) -> ProcStat | None:
    """A controller that was started by one of its own programs carries that one's tag: not it."""
    stat = None if pid == os.getpid() else procfs.stat(pid, proc)
    return None if stat is None or procfs.is_dead(stat, proc) else stat
