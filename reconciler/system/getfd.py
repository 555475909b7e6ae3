"""``pidfd_getfd(2)``: a descriptor of another process as our own."""

from __future__ import annotations

import ctypes
import os

_PIDFD_GETFD = 438


def getfd(pidfd: int, fd: int) -> int:
    """A descriptor of another process, as our own (close-on-exec). OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    got: int = libc.syscall(_PIDFD_GETFD, ctypes.c_int(pidfd), ctypes.c_int(fd), ctypes.c_uint(0))
    if got < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return got
