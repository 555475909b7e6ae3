"""The resident memory of this process, and the part of it that can be given back.

Freed blocks between used ones stay resident. The text of libraries that only the start ran is left
to the kernel, which takes it where memory is short: given back, it would be read again on the
loop's path, perhaps from a disk that does not answer.
"""

from __future__ import annotations

import ctypes
import os

_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> int:
    """Bytes of this process that are in memory. OSError."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * _PAGE


def give_back() -> None:
    """Give back the blocks that are free."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):  # glibc's
        libc.malloc_trim(ctypes.c_size_t(0))
