"""Users and groups of this host, without waiting for a directory that is slow to answer.

A name may be known to a server only (LDAP, NIS: nsswitch.conf(5)), which may not answer for
minutes. So each lookup is made by a thread of its own. The caller waits for a moment; after that
what was known before is the answer, and where nothing was known it is ``SlowLookupError``: ask
again later. Answers are kept for a minute, or until /etc/passwd or /etc/group has changed.
"""

from __future__ import annotations

import ctypes
import grp
import os
import pwd
import threading
import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from reconciler.system.work import threads

_DATABASES = ("/etc/passwd", "/etc/group")
_PATIENCE = 0.2
"""Seconds to wait for an answer; local files give it in less than a millisecond."""
_KEPT = 60.0
"""Seconds that an answer is good for."""
_MOST = 1024
"""Groups of one user: NGROUPS_MAX is more, and no real user has that many."""


class SlowLookupError(Exception):
    """The host's directory of users has not answered yet."""


@dataclass(slots=True)
class _Lookup:
    """One question. ``answer`` is what is known of it."""

    began: float = 0.0
    answered: float = float("-inf")
    stamp: tuple[int, ...] = ()
    answer: Any = None
    error: Exception | None = None
    done: threading.Event = field(default_factory=threading.Event)


_lookups: dict[Hashable, _Lookup] = {}


def user(name: str | int) -> pwd.struct_passwd | None:
    """The account of a name or a number; None where there is none. SlowLookupError."""
    lookup = pwd.getpwuid if isinstance(name, int) else pwd.getpwnam
    return _look_up(("user", name), partial(_or_none, lookup, name))  # type: ignore[no-any-return]  # what is asked


def user_name(uid: int) -> str:
    """The name of a user; empty where there is none, or the host has not answered yet."""
    try:
        found = user(uid)
    except SlowLookupError:
        return ""
    return found.pw_name if found is not None else ""


def group(name: str) -> int | None:
    """The number of a group; None where there is none. SlowLookupError."""
    found = _look_up(("group", name), partial(_or_none, grp.getgrnam, name))
    return None if found is None else found.gr_gid


def group_name(gid: int) -> str | None:
    """The name of a group; None where there is none. SlowLookupError."""
    found = _look_up(("group", gid), partial(_or_none, grp.getgrgid, gid))
    return None if found is None else found.gr_name


def groups_of(name: str, gid: int) -> list[int]:
    """The numbers of all groups of a user, and ``gid``. SlowLookupError."""
    return _look_up(("groups", name, gid), partial(_groups_of, name, gid))  # type: ignore[no-any-return]  # what is asked


def _look_up(key: Hashable, call: Callable[[], Any]) -> Any:
    known = _lookups.setdefault(key, _Lookup())
    now, stamp = time.monotonic(), _stamp()
    fresh = known.stamp == stamp and now - known.answered < _KEPT
    if not fresh:
        if known.began <= known.answered or known.began == 0.0:
            known.began = now
            known.done.clear()
            try:
                threads.start(_answer, (known, call, stamp), name="lookup")
            except OSError:  # no more threads just now
                raise SlowLookupError from None
        if not known.done.wait(max(0.0, known.began + _PATIENCE - now)) and not known.stamp:
            raise SlowLookupError
    if known.error is not None:
        raise known.error
    return known.answer


def _answer(known: _Lookup, call: Callable[[], Any], stamp: tuple[int, ...]) -> None:
    try:
        known.answer, known.error = call(), None
    except Exception as error:
        known.error = error
    known.stamp, known.answered = stamp, time.monotonic()
    known.done.set()


def _or_none(lookup: Callable[[Any], Any], name: str | int) -> Any:
    try:
        return lookup(name)
    except (KeyError, OverflowError, ValueError):  # ValueError: a NUL byte
        return None


def _groups_of(name: str, gid: int) -> list[int]:
    """By ctypes: ``os.getgrouplist`` holds the interpreter while it waits."""
    found, count = (ctypes.c_uint * _MOST)(), ctypes.c_int(_MOST)
    libc = ctypes.CDLL(None)
    if libc.getgrouplist(os.fsencode(name), ctypes.c_uint(gid), found, ctypes.byref(count)) < 0:
        return os.getgrouplist(name, gid)
    return list(found[: count.value])


def _stamp() -> tuple[int, ...]:
    stamps = []
    for path in _DATABASES:
        try:
            stamps.append(os.stat(path).st_mtime_ns)
        except OSError:
            stamps.append(0)
    return tuple(stamps)
