"""Who an app runs as: ``user`` and ``group`` of its manifest become ids.

Taking on a user means all of it: uid, gid and the user's own supplementary groups, never
the controller's (DESIGN 7). A name that cannot be resolved, or that this controller may not
become, is an error that says so; an app never runs as somebody else than declared.
"""

from __future__ import annotations

import functools
import grp
import os
import pwd
from dataclasses import dataclass

from reconciler.converge.unstartable import SpawnError

_DATABASES = ("/etc/passwd", "/etc/group")


class AccountError(SpawnError):
    """The declared user or group cannot be taken on: the app's own failure, never transient."""

    def __init__(self, message: str) -> None:
        super().__init__(message, transient=False)


@dataclass(frozen=True, slots=True)
class Account:
    """A user to run as. ``name`` and ``home`` are what USER and HOME say."""

    name: str
    home: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    switch: bool
    """False where the controller itself already is this account, and nothing must change."""


def account_of(user: str | None, group: str | None, supplementary: tuple[str, ...] = ()) -> Account:
    """The account for ``user`` and ``group`` as a manifest gives them, either may be None.

    ``supplementary`` are groups beside the user's own. Looked up once, and again when /etc/passwd
    or /etc/group has changed. Raises AccountError.
    """
    if user is None and group is None and not supplementary:
        return _own(os.geteuid())
    return _lookup(user, group, supplementary, _stamp())


@functools.cache
def _own(uid: int) -> Account:
    """The controller's own user, for as long as it runs."""
    entry = _passwd(str(uid))
    return Account(entry.name, entry.home, uid, os.getegid(), (), switch=False)


def _stamp() -> tuple[int, ...]:
    stamps = []
    for path in _DATABASES:
        try:
            stamps.append(os.stat(path).st_mtime_ns)
        except OSError:
            stamps.append(0)
    return tuple(stamps)


@functools.lru_cache(maxsize=256)
def _lookup(
    user: str | None, group: str | None, supplementary: tuple[str, ...], _: tuple[int, ...]
) -> Account:
    entry = _passwd(user)
    gid = entry.gid if group is None else _gid(group)
    if gid is None:
        raise AccountError(
            f"user {user} has no passwd entry, so its group is unknown; set `group` too"
        )
    own = os.getgrouplist(entry.name, gid) if entry.known else [gid]
    more = {_gid(name, "supplementaryGroups") for name in supplementary}
    groups = tuple(sorted({*own, *more}))
    if os.geteuid() == 0:
        return Account(entry.name, entry.home, entry.uid, gid, groups, switch=True)
    if entry.uid == os.geteuid() and gid == os.getegid() and not more:
        return Account(entry.name, entry.home, entry.uid, gid, (), switch=False)
    wanted = f"user {user}" if user else f"group {group or ', '.join(supplementary)}"
    raise AccountError(
        f"cannot run as {wanted}: recon runs as {_passwd(None).name}; start recon as root, "
        "or remove the field"
    )


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    home: str
    uid: int
    gid: int | None
    known: bool


def _passwd(user: str | None) -> _Entry:
    """The passwd entry of a name or a number; of the controller's own user for None."""
    number = os.geteuid() if user is None else int(user) if user.isdecimal() else None
    try:
        entry = pwd.getpwnam(str(user)) if number is None else pwd.getpwuid(number)
    except (KeyError, OverflowError):
        if number is None:
            raise AccountError(
                f"there is no user {user!r} on this host; create it (useradd --system {user}) "
                "or correct `user`"
            ) from None
        gid = os.getegid() if user is None else None
        return _Entry(str(number), "/", number, gid, known=False)
    return _Entry(entry.pw_name, entry.pw_dir, entry.pw_uid, entry.pw_gid, known=True)


def _gid(group: str, field: str = "group") -> int:
    if group.isdecimal():
        return int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        raise AccountError(
            f"there is no group {group!r} on this host; create it (groupadd --system {group}) "
            f"or correct `{field}`"
        ) from None
