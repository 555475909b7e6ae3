"""A file system that does not answer, as a network's whose server is gone: who touches a path in it
waits until it is taken away, or is killed.

It is FUSE without a server: nobody answers even the first request (INIT), so that all who come
wait, and can be killed. Nothing lies in it, nothing is mapped from it.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_MNT_DETACH = 2


@contextmanager
def dead(folder: Path) -> Iterator[None]:
    """Nothing at or below ``folder``, which is there, answers. Skips where no root is."""
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        pytest.skip("takes root and /dev/fuse")
    device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    try:
        options = f"fd={device},rootmode=40000,user_id=0,group_id=0"
        _call("mount", b"dead", os.fsencode(folder), b"fuse", ctypes.c_ulong(6), options.encode())
        try:
            yield
        finally:
            _call("umount2", os.fsencode(folder), _MNT_DETACH)
    finally:
        os.close(device)  # which ends the connection: each waiting process gets an error


def _call(name: str, *arguments: object) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if getattr(libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
