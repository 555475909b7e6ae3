"""Of what kind a file system is: statfs(2). The numbers are those of linux/magic.h.

Pseudo file systems (/proc, /sys and their kind) hold no files: what is read there is made when it
is read, has no size, leads everywhere, and may wait forever (/proc/kmsg) or have effects.
"""

from __future__ import annotations

import ctypes
import functools
import os
from typing import Any

__all__ = ["is_local", "is_pseudo"]

_PSEUDO = {
    0x9FA0,  # proc
    0x62656572,  # sysfs
    0x27E0EB,  # cgroup
    0x63677270,  # cgroup2
    0x7655821,  # resctrl
    0x1CD1,  # devpts
    0x64626720,  # debugfs
    0x74726163,  # tracefs
    0x73636673,  # securityfs
    0x6165676C,  # pstore
    0xCAFE4A11,  # bpf
    0x62656570,  # configfs
    0x65735543,  # fusectl
    0x19800202,  # mqueue
    0x42494E4D,  # binfmt_misc
    0xDE5E81E4,  # efivarfs
    0x6E736673,  # nsfs
    0xF97CFF8C,  # selinux
    0x43415D53,  # smackfs
    0x67596969,  # rpc_pipefs
    0x6E667364,  # nfsd
    0x958458F6,  # hugetlbfs
}
_LOCAL = {
    0xEF53,  # ext2, ext3, ext4
    0x58465342,  # xfs
    0x9123683E,  # btrfs
    0x01021994,  # tmpfs
    0x794C7630,  # overlayfs
    0xF2F52010,  # f2fs
    0x2FC12FC1,  # zfs
    0x73717368,  # squashfs
    0xE0F5E1E2,  # erofs
    0x858458F6,  # ramfs
}
_SIZE = 256  # more than any struct statfs, whose first word is f_type


def is_pseudo(place: str | int) -> bool:
    """Of a path, or of an open file or folder (O_PATH will do). OSError."""
    return _kind(place) in _PSEUDO


def is_local(place: str | int) -> bool:
    """Whether it answers from this host's own memory and disks. OSError."""
    return _kind(place) in _LOCAL


def _kind(place: str | int) -> int:
    found = ctypes.create_string_buffer(_SIZE)
    libc = _libc()
    if isinstance(place, int):
        failed = libc.fstatfs(place, found)
    else:
        failed = libc.statfs(os.fsencode(place), found)
    if failed:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return ctypes.c_long.from_buffer(found).value & 0xFFFFFFFF


@functools.cache
def _libc() -> Any:
    return ctypes.CDLL(None, use_errno=True)
