"""Which file systems hold files, and which only look like it: /proc, /sys and their kind.

What these hold is made when it is read, has no size, leads everywhere and may wait for ever
(/proc/kmsg). It is no content of anybody's.
"""

from __future__ import annotations

import ctypes
import functools
import os
import sys

_PSEUDO = {
    0x9FA0,  # proc
    0x62656572,  # sysfs
    0x27E0EB,  # cgroup
    0x63677270,  # cgroup2
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
"""``f_type``, statfs(2)."""
_TYPE_SIZE = 4 if sys.byteorder == "little" else ctypes.sizeof(ctypes.c_long)


@functools.cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def is_pseudo(path: str) -> bool:
    """Whether ``path`` lies on a pseudo file system; False where that cannot be told."""
    status = ctypes.create_string_buffer(512)
    if _libc().statfs(os.fsencode(path), status) != 0:
        return False
    return int.from_bytes(status.raw[:_TYPE_SIZE], sys.byteorder) in _PSEUDO
