"""The resident memory of this process, and the part of it that can be given back.

What a process no longer needs stays resident until the kernel is short of memory: pages of
programs and libraries that only the start ran, and freed blocks between used ones. They can be
given back at once. A page of a library that is needed again is mapped again from the page cache.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator

_MAPS = "/proc/self/smaps"
_DONTNEED = 4  # MADV_DONTNEED
_UNWRITABLE = ("r-xp", "r--p")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> int:
    """Bytes of this process that are in memory. OSError."""
    with open("/proc/self/statm", "rb") as file:
        return int(file.read().split()[1]) * _PAGE


def give_back() -> None:
    """Give back what is not in use. OSError where the kernel does not tell what is mapped."""
    libc = ctypes.CDLL(None)
    if hasattr(libc, "malloc_trim"):  # glibc's
        libc.malloc_trim(ctypes.c_size_t(0))
    for first, last in _unwritten():
        libc.madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), _DONTNEED)


def _unwritten() -> Iterator[tuple[int, int]]:
    """Where files are mapped for reading only: first address, and the one behind.

    A page that was written to nevertheless, by a debugger or while a library was linked, is no
    longer that of its file and would be lost: such a mapping stays.
    """
    found, unwritable = (0, 0), False
    with open(_MAPS, encoding="utf-8", errors="replace") as file:
        for line in file:
            name, _, rest = line.partition(" ")
            if name == "Anonymous:":
                if unwritable and rest.split()[0] == "0":
                    yield found
            elif not name.endswith(":"):
                access, _, _, inode, *_ = rest.split()
                first, _, last = name.partition("-")
                found = int(first, 16), int(last, 16)
                unwritable = access in _UNWRITABLE and inode != "0"
