"""What another user may do with a file: asked of the kernel, by a child that becomes that user.

Permission bits are not enough: access lists, read-only mounts and every directory above
have their say.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import NamedTuple


class Identity(NamedTuple):
    """A user as a program runs as it."""

    uid: int
    gid: int
    groups: tuple[int, ...]


def allowed(identity: Identity | None, requests: Sequence[tuple[str, int]]) -> list[bool]:
    """For each (path, mode of access(2)) whether this user may; None: we ourselves."""
    if identity is None or identity.uid == os.geteuid():
        return [os.access(path, mode) for path, mode in requests]
    near, far = os.pipe()
    child = os.fork()
    if child == 0:
        _answer(identity, requests, far)
    os.close(far)
    with open(near, "rb") as pipe:
        answers = pipe.read()
    os.waitpid(child, 0)
    if len(answers) != len(requests):
        raise PermissionError(f"recon cannot become uid {identity.uid} to see what it may do")
    return [answer == ord("1") for answer in answers]


def _answer(identity: Identity, requests: Sequence[tuple[str, int]], far: int) -> None:
    """In the child; never returns."""
    try:
        os.setgroups(identity.groups)
        os.setresgid(identity.gid, identity.gid, identity.gid)
        os.setresuid(identity.uid, identity.uid, identity.uid)
        os.write(far, b"".join(b"1" if os.access(path, mode) else b"0" for path, mode in requests))
    finally:
        os._exit(0)
