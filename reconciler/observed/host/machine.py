"""Reading the host as a whole: kernel, limits, clock and disks. Nothing is changed by a look."""

from __future__ import annotations

import ctypes
import os
import resource
import stat
import time
from pathlib import Path

from inotify_simple import INotify

from reconciler.model.host.machine import Disk, Folder, Machine
from reconciler.observed.host import cgroups
from reconciler.observed.processes import exits
from reconciler.system.files import mountinfo

_TIME_ERROR = 5
"""What adjtimex(2) returns where nothing keeps the clock in step."""
_TIMEX = 512
"""Bytes, more than ``struct timex`` has anywhere; all zero means: only tell."""
_SYS = Path("/proc/sys")


def machine() -> Machine:
    """This host."""
    return Machine(
        release=os.uname().release,
        uid=os.geteuid(),
        exits_reported=_exits_reported(),
        ptrace_scope=_number("kernel/yama/ptrace_scope") or 0,
        open_files=_unbounded(resource.getrlimit(resource.RLIMIT_NOFILE)[1]),
        user_processes=_user_processes(),
        pid_max=_number("kernel/pid_max"),
        cgroup_processes=cgroups.most_processes(),
        pipe_pages=_number("fs/pipe-user-pages-soft"),
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        open_ports=_number("net/ipv4/ip_unprivileged_port_start") or 0,
        clock_synchronised=_clock_synchronised(),
        clock=time.time(),
        made=os.stat(__file__).st_mtime,
        watches=_number("fs/inotify/max_user_watches"),
        can_watch=_can_watch(),
    )


def disk(path: Path) -> Disk:
    """The file system that ``path`` is on, or will be."""
    there = _nearest(path)
    room = os.statvfs(there)
    return Disk(
        path=str(path),
        kind=kind_of(there),
        size=room.f_blocks * room.f_frsize,
        free=room.f_bavail * room.f_frsize,
        inodes=room.f_files,
        free_inodes=room.f_favail,
    )


def device(path: Path) -> int:
    """Which file system ``path`` is on, or will be; for a comparison only."""
    return _nearest(path).stat().st_dev


def folder(path: Path) -> Folder:
    """A directory as it is, or whether it could be made."""
    try:
        found = path.stat()
    except OSError:
        above = _nearest(path)
        return Folder(str(path), False, writable=os.access(above, os.W_OK | os.X_OK))
    writable = os.access(path, os.W_OK | os.X_OK)
    return Folder(str(path), True, found.st_uid, stat.S_IMODE(found.st_mode), writable)


def _exits_reported() -> bool | None:
    """Tried on a child that is reaped: no version number tells what a sandbox forbids."""
    child = os.fork()
    if child == 0:
        os._exit(1)
    try:
        pidfd = os.pidfd_open(child)
    except OSError:  # a sandbox that knows no pidfds
        return None
    finally:
        os.waitpid(child, 0)
    try:
        return exits.from_pidfd(pidfd) is not None
    finally:
        os.close(pidfd)


def _can_watch() -> bool:
    try:
        INotify().close()
    except OSError:
        return False
    return True


def _user_processes() -> int:
    if os.geteuid() == 0:
        return -1
    return _unbounded(resource.getrlimit(resource.RLIMIT_NPROC)[0])


def _unbounded(limit: int) -> int:
    return -1 if limit == resource.RLIM_INFINITY else limit


def _number(name: str) -> int | None:
    try:
        return int((_SYS / name).read_text())
    except (OSError, ValueError):
        return None


def _clock_synchronised() -> bool | None:
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        state = libc.adjtimex(ctypes.create_string_buffer(_TIMEX))
    except (OSError, AttributeError):
        return None
    return None if state < 0 else state != _TIME_ERROR


def _nearest(path: Path) -> Path:
    return next(one for one in (path, *path.parents) if one.exists())


def kind_of(path: Path) -> str:
    """Of the file system that holds ``path``; empty where that is not known."""
    try:
        text = Path(mountinfo.PATH).read_bytes()
    except OSError:
        return ""
    found = mountinfo.holding(os.path.realpath(path), text)
    return found.kind if found is not None else ""
