"""The user of an app: ``user`` and ``group`` of its manifest become ids.

Taking on a user means all of it: uid, gid and the user's own supplementary groups, never
the controller's (design.md#security). A name that cannot be resolved, or that this controller may
not become, is an error that says so; an app never runs as another user than declared.
"""

from __future__ import annotations

import functools
import os
from dataclasses import dataclass

from reconciler.model.words.ids import is_id
from reconciler.system import accounts
from reconciler.system.accounts import SlowLookupError
from reconciler.system.exec_errors import SpawnError


class AccountError(SpawnError):
    """The declared user or group cannot be taken on: the app's own failure, never transient."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message, False, remedy)


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

    ``supplementary`` are groups beside the user's own. AccountError; SpawnError, transient, where
    the host has yet to answer (``system.accounts``).
    """
    if user is None and group is None and not supplementary:
        return _own(os.geteuid())
    try:
        return _lookup(user, group, supplementary)
    except SlowLookupError:
        names = " and ".join(name for name in (user, group, *supplementary) if name)
        message = f"the lookup of {names} on this host has not been answered yet (LDAP?)"
        raise SpawnError(message, True, "recon tries again") from None


@functools.cache
def _own(uid: int) -> Account:
    """The controller's own user, for as long as it runs."""
    entry = _passwd(str(uid))
    return Account(entry.name, entry.home, uid, os.getegid(), (), switch=False)


def _lookup(user: str | None, group: str | None, supplementary: tuple[str, ...]) -> Account:
    entry = _passwd(user)
    gid = entry.gid if group is None else _gid(group)
    if gid is None:
        raise AccountError(
            f"user {user} has no passwd entry, so its group is unknown", "set `group` too"
        )
    own = accounts.groups_of(entry.name, gid) if entry.known else [gid]
    more = {_gid(name, "supplementaryGroups") for name in supplementary}
    groups = tuple(sorted({*own, *more}))
    if os.geteuid() == 0:
        return Account(entry.name, entry.home, entry.uid, gid, groups, switch=True)
    if entry.uid == os.geteuid() and gid == os.getegid() and not more:
        return Account(entry.name, entry.home, entry.uid, gid, (), switch=False)
    what = f"user {user}" if user else f"group {group or ', '.join(supplementary)}"
    raise AccountError(
        f"cannot run as {what}: recon runs as {_passwd(None).name}",
        "start recon as root, or remove the field",
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
    number = os.geteuid() if user is None else int(user) if is_id(user) else None
    found = accounts.user(str(user) if number is None else number)
    if found is not None:
        return _Entry(found.pw_name, found.pw_dir, found.pw_uid, found.pw_gid, known=True)
    if number is None:
        raise AccountError(
            f"there is no user {user!r} on this host",
            f"create it (useradd --system {user}) or correct `user`",
        )
    gid = os.getegid() if user is None else None
    return _Entry(str(number), "/", number, gid, known=False)


def _gid(group: str, field: str = "group") -> int:
    found = int(group) if is_id(group) else accounts.group(group)
    if found is None:
        raise AccountError(
            f"there is no group {group!r} on this host",
            f"create it (groupadd --system {group}) or correct `{field}`",
        )
    return found
