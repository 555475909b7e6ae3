"""What another user gets when he tries: in a process that really is his."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Sequence


def as_user(act: Callable[[], str], uid: int, groups: Sequence[int] = ()) -> str:
    """What ``act`` returns in a process of ``uid`` (and the group of that number), or raises."""
    near, far = os.pipe()
    pid = os.fork()
    if pid == 0:
        _be(act, uid, groups, far)
    os.close(far)
    with open(near, encoding="utf-8") as told:
        text = told.read()
    _, status = os.waitpid(pid, 0)
    assert status == 0, text
    return text


def _be(act: Callable[[], str], uid: int, groups: Sequence[int], far: int) -> None:
    try:
        os.setgroups(groups)
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)
        os.write(far, act().encode())
        os._exit(0)
    except BaseException:
        os.write(far, traceback.format_exc().encode())
    finally:
        os._exit(1)
