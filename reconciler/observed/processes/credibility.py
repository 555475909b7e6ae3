"""Whose word counts. A tag is text, and any user may put it into an environment.

The journal, the session and the cgroup are facts of the kernel; so is an output FIFO, where it is
the very one that lies in the state directory, which no other user can open. Whatever user a program
takes on, by these it is known. A tag in the environment, and a FIFO of which only the name can be
compared (the state directory is gone), count only where the process was started by the user that
the instance was started as: by its *real* uid, since a setuid program keeps what its caller put
into its environment. Who that user was is told by the owner of the instance's FIFO, which recon
made for it, else by what the app is declared to run as.

So a process of another user that carries our tag is not adopted, not shown, and above all never
signalled by a recon that is root.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from reconciler.model.host.fifo import STREAMS, FifoName
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.observed import Tag
from reconciler.model.words.ids import is_id
from reconciler.system import accounts, procfs
from reconciler.system.files.statx import identity

UserOf = Callable[[str], int | None]
"""The uid that an app is declared to run as; None where that is not known."""


def unknown(app: str) -> int | None:
    """For those who know of no declaration."""
    return None


def uid_of(spec: ProgramSpec) -> int | None:
    """Of the declared user; None where none is declared, or the host has no such user."""
    if spec.user is None or is_id(spec.user):
        return None if spec.user is None else int(spec.user)
    try:
        found = accounts.user(spec.user)
    except accounts.SlowLookupError:
        return None
    return None if found is None else found.pw_uid


def users_of(specs: Iterable[ProgramSpec]) -> set[int]:
    """The uids of all that declare one."""
    return {uid for spec in specs if (uid := uid_of(spec)) is not None}


@dataclass(slots=True)
class Credibility:
    """Judges what processes say of themselves, for one store."""

    fifo_dirs: tuple[str, ...]
    """Where this store's FIFOs lie: see ``fifodirs``."""
    user_of: UserOf = unknown
    proc: str = procfs.PROC
    users: set[int] = field(default_factory=set)
    """As whom apps of ours are or were started, as far as was learned (``trust``)."""
    doubted: set[str] = field(default_factory=set)
    """Apps of which a process was not believed."""
    passed_over: set[int] = field(default_factory=set)
    """Users the environments of whose processes were not read."""

    def may_be(self, uid: int) -> bool:
        """Whether a tag in an environment can count at all, where this user started the process."""
        if uid in self._known():
            return True
        self.passed_over.add(uid)
        return False

    def trust(self, uids: Iterable[int]) -> bool:
        """Apps are started as these; whether that is news about a process that was seen."""
        fresh = set(uids) - self._known()
        self.users |= fresh
        return not fresh.isdisjoint(self.passed_over)

    def owner_of(self, tag: Tag) -> int | None:
        """As whom the instance was started, by the owner of its FIFO; None where that is gone."""
        for folder in filter(self._is_own, self.fifo_dirs):
            for stream in STREAMS:
                fifo = FifoName(tag.app, tag.instance, tag.hash, tag.nonce, stream)
                owner = _owner(f"{folder}/{'.'.join(map(str, fifo))}")
                if owner is not None:
                    return owner
        return None

    def of_output(self, pid: int, name: str, tag: Tag, uid: int) -> bool:
        """Whether to believe the FIFO that a process of ``uid`` has open as ``name`` (``fd/1``)."""
        fifo = procfs.link(pid, name, self.proc) or ""
        if not self._is_own(os.path.dirname(fifo)):
            return self.of_text(tag, uid)
        try:
            # Not by stat(2): what only looks like ours may lie on a file system of the process's.
            return identity(f"{self.proc}/{pid}/{name}") == identity(fifo)
        except OSError:
            return self.of_text(tag, uid)

    def of_text(self, tag: Tag, uid: int | None) -> bool:
        """Whether to believe a tag that a process of ``uid`` carries, and could have made up."""
        if uid == self._user(tag):
            return True
        self.doubted.add(tag.app)
        return False

    def _user(self, tag: Tag) -> int:
        owner = self.owner_of(tag)
        if owner is not None:
            return owner
        declared = self.user_of(tag.app)
        return self._own_uid() if declared is None else declared

    def _known(self) -> set[int]:
        """The users; at first those to whom the FIFOs belong that lie there."""
        if not self.users:
            self.users |= {self._own_uid(), *self._owners()}
        return self.users

    def _owners(self) -> set[int]:
        found: set[int] = set()
        for folder in filter(self._is_own, self.fifo_dirs):
            with contextlib.suppress(OSError), os.scandir(folder) as entries:
                found.update(entry.stat(follow_symlinks=False).st_uid for entry in entries)
        return found

    def _own_uid(self) -> int:
        """Who runs the recon of this store: its state directory tells."""
        found = _owner(self.fifo_dirs[-1])
        return os.geteuid() if found is None else found

    def _is_own(self, folder: str) -> bool:
        """Whether it is our FIFO, and not one that another user made after ours was removed."""
        return _owner(folder) == self._own_uid()


def _owner(path: str) -> int | None:
    try:
        return os.stat(path).st_uid
    except (OSError, ValueError):
        return None
