"""Whether a file lies in a file system that the kernel makes up: /proc, /sys, a cgroup, a tracer.

Nothing there is anybody's data. Reading can block, have effects (/proc/kmsg hands each line out
once) or never end, and folders link to each other without bound.
"""

from __future__ import annotations

import ctypes
import os

__all__ = ["is_pseudo"]

# statfs(2); linux/magic.h.
_MAGIC = {
    *(0x9FA0, 0x62656572, 0x62656570),  # proc, sysfs, configfs
    *(0x27E0EB, 0x63677270, 0x7655821),  # cgroup, cgroup2, resctrl
    *(0x64626720, 0x74726163, 0x73636673),  # debugfs, tracefs, securityfs
    *(0xCAFE4A11, 0x6165676C, 0xDE5E81E4),  # bpf, pstore, efivarfs
    *(0x1CD1, 0x19800202, 0x42494E4D),  # devpts, mqueue, binfmt_misc
    *(0x6E736673, 0x65735543, 0xF97CFF8C),  # nsfs, fusectl, selinuxfs
}
_SIZE = 256  # more than any struct statfs, whose first word is f_type
_libc = ctypes.CDLL(None, use_errno=True)


def is_pseudo(descriptor: int) -> bool:
    """Of an open file or folder, with O_PATH too. OSError."""
    found = ctypes.create_string_buffer(_SIZE)
    if _libc.fstatfs(descriptor, found) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return ctypes.c_long.from_buffer(found).value & 0xFFFFFFFF in _MAGIC
