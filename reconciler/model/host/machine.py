"""The host as a whole, as plain data: what `recon doctor` judges."""

from __future__ import annotations

from typing import NamedTuple


class Disk(NamedTuple):
    """The file system of one directory (or of the nearest one above it that exists)."""

    path: str
    kind: str
    """As in ``/proc/self/mountinfo``: ``ext4``, ``tmpfs``, ``nfs4``; empty where unknown."""
    size: int
    free: int
    """Bytes, what an ordinary user may have of them."""
    inodes: int
    free_inodes: int
    """0 of 0 where the file system counts none (btrfs)."""


class Folder(NamedTuple):
    """A directory with its owner and mode."""

    path: str
    exists: bool
    owner: int = 0
    mode: int = 0
    """Permission bits; 0 where it does not exist."""
    writable: bool = True
    """Whether recon's own user can make files in it, or can make the directory itself."""


class Machine(NamedTuple):
    """None: the kernel does not tell."""

    release: str
    """As ``uname -r`` has it."""
    uid: int
    """Whom recon runs as here."""
    exits_reported: bool | None
    """Whether a pidfd tells the exit of a process that its parent has reaped (Linux ≥ 6.15).
    None: there are no pidfds here."""
    ptrace_scope: int
    """Yama's; 0 where it is not there."""
    open_files: int
    """Hard limit, -1 without one."""
    user_processes: int
    """Soft limit of processes of this user, -1 without one; root has none."""
    pid_max: int | None
    cgroup_processes: int | None
    """Of the cgroup that recon is in, or one above (`pids.max`)."""
    pipe_pages: int | None
    """Pages of all pipes of one user, beyond which new ones are small; 0: no such bound."""
    memory: int
    """Bytes."""
    open_ports: int
    """From here on a port can be listened on without privileges."""
    clock_synchronised: bool | None
    clock: float
    """Seconds since 1970, as the host has it now."""
    made: float
    """Seconds since 1970: when recon's own files were put on this host, or made."""
    watches: int | None
    """Folders that processes of one user may watch (fs.inotify.max_user_watches)."""
    can_watch: bool
    """Whether one more process can begin to watch (fs.inotify.max_user_instances)."""
