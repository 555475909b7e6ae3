"""A view of the file system of an instance's own: what it may not write, and a /tmp for itself.

The calling thread gets a mount namespace, whose mounts do not reach the host while those of the
host still reach it (slave propagation). It lives as long as the processes in it: there is nothing
to clean up, after a kill -9 of the controller neither.

A private /tmp is a tmpfs. What lies in it is memory of the host (half of it at most), counted to
the instance's cgroup where it has one, and gone with the instance.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator, Sequence

from reconciler.model.host.procstat import parse_stat
from reconciler.system import syscalls
from reconciler.system.files import mountinfo

_NS_GET_USERNS = 0xB701
_KEPT = {
    "nosuid": syscalls.MS_NOSUID,
    "nodev": syscalls.MS_NODEV,
    "noexec": syscalls.MS_NOEXEC,
    "noatime": 1024,
    "nodiratime": 2048,
    "relatime": 1 << 21,
}
"""What a mount has to keep when it is mounted again as read-only."""


def enter_own(read_only: Sequence[str], private: Sequence[str]) -> None:
    """Give the thread its view: paths that it may not write to, and folders that are empty and
    its own. OSError; ``filename`` is the path that could not be mounted."""
    syscalls.unshare(syscalls.CLONE_NEWNS)
    syscalls.mount(None, "/", flags=syscalls.MS_REC | syscalls.MS_SLAVE)
    for path in read_only:
        with _named(path):
            _protect(path)
    for folder in private:
        if os.path.isdir(folder):
            flags = syscalls.MS_NOSUID | syscalls.MS_NODEV
            with _named(folder):
                syscalls.mount("tmpfs", folder, "tmpfs", flags, "mode=1777")


def join(pid: int, start: int) -> None:
    """Give the thread the view that a process of ours has (``ProcessId``). OSError.

    EPERM where the process has made itself a namespace in which it is root: nothing there can be
    relied upon, not even that looking at a directory ever returns.
    """
    namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY | os.O_CLOEXEC)
    try:
        if _start(pid) != start:
            raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
        if not _is_in_own_user_namespace(namespace):
            raise PermissionError(errno.EPERM, "the instance is in a user namespace of its own")
        syscalls.unshare(syscalls.CLONE_FS)
        syscalls.setns(namespace, syscalls.CLONE_NEWNS)
    finally:
        os.close(namespace)


@contextlib.contextmanager
def _named(path: str) -> Iterator[None]:
    """An error whose message names its path."""
    try:
        yield
    except OSError as error:
        raise OSError(error.errno, error.strerror, path) from error


def _protect(path: str) -> None:
    try:
        syscalls.make_read_only(path)
    except OSError as error:
        if error.errno == errno.ENOSYS:  # Linux < 5.12
            _protect_each(path)
            return
        if error.errno != errno.EINVAL:  # it is a mount, and may not be changed
            raise
        syscalls.mount(path, path, flags=syscalls.MS_BIND | syscalls.MS_REC)
        syscalls.make_read_only(path)


def _protect_each(path: str) -> None:
    """The same, mount by mount."""
    path = os.path.realpath(path)
    if path != "/":
        syscalls.mount(path, path, flags=syscalls.MS_BIND | syscalls.MS_REC)
    remount = syscalls.MS_REMOUNT | syscalls.MS_BIND | syscalls.MS_RDONLY
    for target, options in _mounts_below(path):
        flags = sum(_KEPT.get(option, 0) for option in options)
        syscalls.mount(None, target, flags=remount | flags)


def _mounts_below(path: str) -> list[tuple[str, tuple[str, ...]]]:
    """(where, options) of each mount at or below ``path``, as the thread sees them."""
    with open("/proc/thread-self/mountinfo", "rb") as file:
        seen = {mount.point: mount.options for mount in mountinfo.mounts(file.read())}
    return [
        (point, options)
        for point, options in seen.items()
        if path in ("/", point) or point.startswith(f"{path}/")
    ]


def _start(pid: int) -> int:
    with open(f"/proc/{pid}/stat", "rb") as file:
        return parse_stat(file.read()).start


def _is_in_own_user_namespace(namespace: int) -> bool:
    owner = fcntl.ioctl(namespace, _NS_GET_USERNS)
    try:
        return os.path.samestat(os.fstat(owner), os.stat("/proc/self/ns/user"))
    finally:
        os.close(owner)
