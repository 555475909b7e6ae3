"""System calls that Python has no name for, by ctypes. Each raises OSError, as ``os`` does.

Credentials, and after ``unshare`` mounts, belong to the calling *thread* on Linux; what is said
here of a thread holds for what it forks, too. Light to import: each stub has it (``stub``).
"""

from __future__ import annotations

import ctypes
import os
import struct

CLONE_FS = 0x200
CLONE_NEWNS = 0x20000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_SLAVE = 32, 4096, 16384, 1 << 19

_PR_CAPBSET_READ, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 23, 24, 38
_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL = 47, 4
_CAPABILITY_VERSION_3 = 0x20080522
_OPENAT2, _MOUNT_SETATTR = 437, 442  # the same on all architectures
_KEYCTL = {"x86_64": 250, "aarch64": 219, "riscv64": 219, "armv7l": 311, "ppc64le": 271}
_KEYCTL |= {"s390x": 280, "i686": 288}
_JOIN_SESSION_KEYRING = 1
AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY = 1
RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS = 2, 4


_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result


def _prctl(option: int, *arguments: int) -> int:
    words = [*arguments, 0, 0, 0, 0][:4]
    return _checked(_libc.prctl(option, *map(ctypes.c_ulong, words)))


def unshare(flags: int) -> None:
    """Have the thread no longer share with the others."""
    _checked(_libc.unshare(flags))


def setns(fd: int, kind: int) -> None:
    """Move the thread into a namespace."""
    _checked(_libc.setns(fd, kind))


def mount(
    source: str | None, target: str, kind: str | None = None, flags: int = 0, data: str = ""
) -> None:
    """mount(2)."""
    words = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    _checked(_libc.mount(*words, ctypes.c_ulong(flags), os.fsencode(data) or None))


def make_read_only(path: str) -> None:
    """The mount at ``path`` and all below it (Linux ≥ 5.12). EINVAL where ``path`` is not a
    mount."""
    attributes = struct.pack("=4Q", _MOUNT_ATTR_RDONLY, 0, 0, 0)
    where = os.fsencode(path)
    size = ctypes.c_size_t(len(attributes))
    flags = ctypes.c_uint(_AT_RECURSIVE)
    _checked(_libc.syscall(_MOUNT_SETATTR, AT_FDCWD, where, flags, attributes, size))


def openat2(folder: int, path: str, flags: int, mode: int, resolve: int) -> int:
    """A descriptor of ``path``, on whose way not everything is allowed (Linux ≥ 5.6)."""
    how = struct.pack("=3Q", flags | os.O_CLOEXEC, mode, resolve)
    size = ctypes.c_size_t(len(how))
    return _checked(_libc.syscall(_OPENAT2, folder, os.fsencode(path), how, size))


def no_new_privileges() -> None:
    """From here on no exec gives the thread anything it does not have (setuid, file caps)."""
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)


def last_capability() -> int:
    """The highest capability that this kernel knows."""
    try:
        with open("/proc/sys/kernel/cap_last_cap", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return 40  # CHECKPOINT_RESTORE, Linux 5.9


def drop_from_bounding(capability: int) -> None:
    """Nothing that the thread execs can have it, setuid or root. No effect where it is gone."""
    if _prctl(_PR_CAPBSET_READ, capability):
        _prctl(_PR_CAPBSET_DROP, capability)


def drop_inheritable(capabilities: int) -> None:
    """These bits leave the thread's inheritable set, and so the ambient one."""
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    data = ctypes.create_string_buffer(24)
    _checked(_libc.capget(header, data))
    words = list(struct.unpack("=6I", data.raw))
    inheritable = (words[2] | words[5] << 32) & ~capabilities
    words[2], words[5] = inheritable & 0xFFFFFFFF, inheritable >> 32
    _checked(_libc.capset(header, struct.pack("=6I", *words)))


def clear_ambient() -> None:
    """No capability of the thread outlives an exec as an ordinary user."""
    _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL)


def fresh_session_keyring() -> None:
    """The thread leaves the keys of its starter behind. OSError where that is forbidden."""
    number = _KEYCTL.get(os.uname().machine)
    if number is not None:
        _checked(_libc.syscall(number, _JOIN_SESSION_KEYRING, None))
