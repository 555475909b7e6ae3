"""Whom a file may come from that root acts upon: the rule of sshd's StrictModes and of cron.

A user who can write a manifest, or replace it, can have recon run anything as the user
that recon runs as. So when that is root, each file that is read and everything on the way to it,
from ``/`` through all folders and links, has to belong to root and to be writable by no other user,
a group neither. A folder for all, such as /tmp, is right where it is sticky: others can add to it,
but replace nothing.

An env or secret file of an app with ``user`` may belong to that user as well, who could as well
change what runs. What root can read and that user cannot must not get to the program that way: so
where the way leads through anything of that user's, the file has to be that user's.

Race-free: the way is walked by descriptors, each step is judged as it was opened, and what is read
is what was judged. Of a way that is root's alone only root can make another, so it is walked once
for many files (until it is ``renewed``).
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import ClassVar

from reconciler.model.words.ids import is_id
from reconciler.system import accounts
from reconciler.system.accounts import SlowLookupError
from reconciler.system.files.steps import MOST_LINKS, steps_of
from reconciler.system.work import door

SWITCH = "RECON_STRICT_MODES"
"""``no`` in the environment turns these looks off."""
_FOUND = os.O_PATH | os.O_CLOEXEC
_STEP = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class UntrustedError(PermissionError):
    """A file, or what leads to it, could be changed by others."""

    def __init__(self, path: str, message: str, remedy: str) -> None:
        super().__init__(errno.EPERM, f"{message}; {remedy}", path)
        self.message, self.remedy = message, remedy


@dataclass(frozen=True, slots=True)
class Trust:
    """Which users may own files. ``owners`` None: any user."""

    owners: frozenset[int] | None = None
    _sound: set[str] = field(default_factory=set, repr=False, compare=False)
    """Folders, by the paths that are used, to which every step is root's."""
    is_review: ClassVar[bool] = False
    """Two sets of manifests are compared, not one with the host that they are for."""

    def exists(self, path: str) -> bool:
        """Whether there is something to open, or a link to nothing."""
        return door.lexists(path)

    def may_lack(self, path: str) -> bool:
        """Whether another machine has this file, so that it is not a mistake not to have it
        here."""
        return False

    def with_user(self, user: str | None) -> Trust:
        """The same for a file of an app that runs as ``user``."""
        if self.owners is None or user is None:
            return self
        try:
            found = None if is_id(user) else accounts.user(user)
        except SlowLookupError:
            return self
        if found is None and not is_id(user):
            return self
        uid = int(user) if found is None else found.pw_uid
        return replace(self, owners=self.owners | {uid})

    def renewed(self) -> Trust:
        """The same, which looks at every folder again."""
        return replace(self, _sound=set())

    def open(self, path: str) -> int:
        """A descriptor of ``path``, which is absolute: of what it is, not yet to read it (O_PATH).

        OSError, UntrustedError.
        """
        if self.owners is None:
            return door.open_found(path, _FOUND)
        folder, name = os.path.split(path)
        if folder in self._sound:
            try:
                return self._open_checked(path)
            except OSError as error:
                if error.errno != errno.ELOOP:  # a link: its way is another
                    raise
        step = _walk(path, self.owners)
        if step.owner == 0 and not step.linked and name:
            self._sound.add(folder)
        return step.fd

    def check_folder(self, path: str) -> None:
        """Whether only those can put files into a folder. OSError, UntrustedError."""
        if self.owners is None or path in self._sound:
            return
        step = _walk(path, self.owners)
        os.close(step.fd)
        if step.owner == 0:
            self._sound.add(path)

    def _open_checked(self, path: str) -> int:
        assert self.owners is not None
        fd, status = door.through(path, _opened, path, None)
        try:
            if stat.S_ISLNK(status.st_mode):
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            _judge(path, status, self.owners)
        except OSError:
            os.close(fd)
            raise
        return fd


def trusting(environ: Mapping[str, str] = os.environ) -> Trust:
    """The trust of this process: root is strict unless RECON_STRICT_MODES=no."""
    if os.geteuid() != 0 or environ.get(SWITCH, "").lower() in ("no", "off", "0", "false"):
        return Trust()
    return Trust(frozenset({0}))


@dataclass(slots=True)
class _Step:
    """Where the walk has come to."""

    fd: int
    shown: str
    owner: int = 0
    """The owner of the path up to here: root, or the one other user that is allowed."""
    linked: bool = False
    """The last name on the way was a link."""


def _walk(path: str, owners: frozenset[int]) -> _Step:
    """What ``path`` leads to, with every step on the way judged. OSError, UntrustedError."""
    at = _Step(os.open("/", _STEP | os.O_DIRECTORY), "/")
    names = steps_of(path)
    links = 0
    try:
        while names:
            name = names.pop()
            shown = os.path.normpath(os.path.join(at.shown, name))
            fd, status = door.through(shown, _opened, name, at.fd)
            if not stat.S_ISLNK(status.st_mode):
                os.close(at.fd)
                at.fd, at.shown = fd, shown
                at.owner = _judge(shown, status, owners) or at.owner
                continue
            try:
                at.owner = _judge(shown, status, owners) or at.owner
                target = os.readlink("", dir_fd=fd)
            finally:
                os.close(fd)
            links += 1
            if links > MOST_LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            at.linked = at.linked or not names
            names += steps_of(target)
            if target.startswith("/"):
                os.close(at.fd)
                at.fd, at.shown = os.open("/", _STEP | os.O_DIRECTORY), "/"
        if door.through(at.shown, os.fstat, at.fd).st_uid != at.owner:
            message = f"{at.shown} is not {_name(at.owner)}'s, who owns part of the path to it"
            raise UntrustedError(path, message, "use a path that belongs to root")
    except BaseException:
        os.close(at.fd)
        raise
    return at


def _opened(name: str, folder: int | None) -> tuple[int, os.stat_result]:
    """What a name stands for, a link itself, and its status. OSError."""
    fd = os.open(name, _STEP, dir_fd=folder)
    try:
        return fd, os.fstat(fd)
    except BaseException:
        os.close(fd)
        raise


def _judge(path: str, status: os.stat_result, owners: frozenset[int]) -> int:
    """The owner of a step, if the step is trusted; else UntrustedError."""
    mode, uid = status.st_mode, status.st_uid
    if uid not in owners:
        message = f"{path} belongs to {_name(uid)}, who could change it, and recon is root here"
        remedy = f"run chown -h root {path}, or run recon as {_name(uid)}"
        raise UntrustedError(path, message, remedy)
    sticky = stat.S_ISDIR(mode) and mode & stat.S_ISVTX
    if not stat.S_ISLNK(mode) and mode & _OTHERS and not sticky:
        writers = "everybody" if mode & stat.S_IWOTH else f"the group {_group(status.st_gid)}"
        message = f"{path} can be written by {writers} (mode {stat.S_IMODE(mode):04o})"
        raise UntrustedError(path, f"{message}, and recon is root here", f"run chmod go-w {path}")
    return uid


def _name(uid: int) -> str:
    try:
        found = accounts.user(uid)
    except SlowLookupError:
        found = None
    return f"uid {uid}" if found is None else found.pw_name


def _group(gid: int) -> str:
    try:
        return accounts.group_name(gid) or str(gid)
    except SlowLookupError:
        return str(gid)
