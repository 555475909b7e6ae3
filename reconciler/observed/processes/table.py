"""The table of our processes, by nonce: one main process each, and the others of its kind.

Plain bookkeeping without a look at the host. It keeps four views of one thing in step: by
nonce, by app, by pid and by session.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from reconciler.model.state.observed import Process, ProcessId, Tag
from reconciler.observed.host.samples import Sample
from reconciler.observed.processes.executable import Executable


@dataclass(slots=True)
class Group:
    """The processes of one nonce. Descriptors are -1 where none is held."""

    process: Process
    """The main one; how it was last, once it has ended."""
    pidfd: int = -1
    leads: bool = True
    """The main process leads its session."""
    ended: bool = False
    """The main process is gone; the others are what it left over."""
    others: dict[ProcessId, int] = field(default_factory=dict)
    """Their pidfds: held only once the main process has ended."""
    executable: Executable | None = None
    used: Sample | None = None
    """What it used when it was last sampled."""
    line: int = 0
    """The hash of its line of ``/proc/PID/stat`` then."""


class Table:
    """Groups by nonce. A group is removed only by a call, never by itself."""

    def __init__(self) -> None:
        self._groups: dict[str, Group] = {}
        self._apps: dict[str, dict[str, Group]] = {}
        self._members: dict[int, tuple[int, str]] = {}
        self._sessions: dict[int, str] = {}

    def get(self, nonce: str) -> Group | None:
        """The group, ended or not."""
        return self._groups.get(nonce)

    def running(self, app: str | None = None) -> Iterator[Group]:
        """The groups whose main process runs: of one app, or all."""
        groups = self._groups if app is None else self._apps.get(app, {})
        return (group for group in groups.values() if not group.ended)

    def apps(self) -> set[str]:
        """Names of the apps that have a running main process."""
        return {name for name in self._apps if any(True for _ in self.running(name))}

    def groups(self) -> tuple[Group, ...]:
        return tuple(self._groups.values())

    def add(self, group: Group) -> None:
        """A new group, with its main process only."""
        tag, main = group.process.tag, group.process.id
        self._groups[tag.nonce] = group
        self._apps.setdefault(tag.app, {})[tag.nonce] = group
        self._members[main.pid] = (main.start, tag.nonce)
        if group.leads:
            self._sessions[main.pid] = tag.nonce

    def add_other(self, group: Group, id: ProcessId, pidfd: int = -1) -> None:
        """One more process of the nonce."""
        group.others[id] = pidfd
        self._members[id.pid] = (id.start, group.process.tag.nonce)
        self._update_stragglers(group)

    def drop_other(self, group: Group, id: ProcessId) -> None:
        """One of the others is gone. The caller closes its pidfd."""
        group.others.pop(id, None)
        self._drop_member(id)
        self._update_stragglers(group)

    def end(self, group: Group) -> None:
        """The main process is gone; the group stays while it has others."""
        group.ended = True
        self._drop_member(group.process.id)
        self.drop_session(group)

    def drop_session(self, group: Group) -> None:
        """Its session proves nothing any more: the number may come to be another's."""
        if self._sessions.get(group.process.id.pid) == group.process.tag.nonce:
            del self._sessions[group.process.id.pid]

    def remove(self, group: Group) -> None:
        """Nothing of the nonce is left."""
        tag = group.process.tag
        self._groups.pop(tag.nonce, None)
        of_app = self._apps.get(tag.app, {})
        of_app.pop(tag.nonce, None)
        if not of_app:
            self._apps.pop(tag.app, None)

    def update(self, group: Group, changes: dict[str, Any]) -> None:
        """Change fields of the main process's record."""
        group.process = replace(group.process, **changes)

    def member(self, pid: int) -> tuple[ProcessId, Group] | None:
        """The known process of an app that has this pid."""
        found = self._members.get(pid)
        group = self._groups.get(found[1]) if found else None
        return (ProcessId(pid, found[0]), group) if found and group else None

    def is_held(self, pid: int) -> bool:
        """Whether it is a main process that a pidfd of ours is held of."""
        found = self._members.get(pid)
        group = self._groups.get(found[1]) if found else None
        return group is not None and group.process.id.pid == pid and group.pidfd >= 0

    def session(self, number: int) -> Tag | None:
        """The tag of the main process that leads this session."""
        group = self._groups.get(self._sessions.get(number, ""))
        return group.process.tag if group else None

    def _drop_member(self, id: ProcessId) -> None:
        if self._members.get(id.pid, (None,))[0] == id.start:
            del self._members[id.pid]

    def _update_stragglers(self, group: Group) -> None:
        group.process = replace(group.process, stragglers=tuple(group.others))
