"""The part of cgroup v2 that recon may use; where it may not, why and what would help.

The rule: below the nearest cgroup above our own that systemd has delegated (``Delegate=yes`` with
``DelegateSubgroup=``, or a user's manager); else below the highest one that we may write to. For
root on a host that is the root of the hierarchy, for a container the container's own, for a
system service with ``User=`` and ``Delegate=yes`` the service's. Not a service's own where there
is one further up: systemd (before 254) cannot restart a service whose cgroup has controllers
enabled, and a controller that cannot be restarted is worth less than tidy accounting.

Controllers that are bound to cgroup v1 are of no use: v1 has no delegation that is safe, and no
``cgroup.kill``.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from typing import NamedTuple

from reconciler.model.host.facts import CgroupFacts
from reconciler.model.words.sentence import Sentence
from reconciler.system import procfs
from reconciler.system.files import mountinfo

USED = ("cpu", "memory", "pids")
"""Controllers that limits ask for."""
_DELEGATED = ("user.delegate", "trusted.delegate")
"""systemd's mark on a cgroup that it has handed over; the latter is for root to see."""
_SERVICE = "run recon as root, or as a systemd service with Delegate=yes"


class _Mount(NamedTuple):
    """Where the hierarchy is mounted, and which cgroup is the top of that mount."""

    point: str
    root: str
    writable: bool


def find(proc: str = procfs.PROC) -> CgroupFacts:
    """The part of the hierarchy that recon may use. Looks only, and makes nothing."""
    mount = _mount(proc)
    if mount is None:
        return CgroupFacts(
            why=Sentence(
                "no cgroup v2 hierarchy is mounted here",
                "boot with systemd.unified_cgroup_hierarchy=1, or mount one (mount -t cgroup2)",
            )
        )
    if not mount.writable:
        return CgroupFacts(
            why=Sentence(
                f"{mount.point} is mounted read-only, as in a container that was not given "
                "cgroups of its own",
                "run it with a writable /sys/fs/cgroup, or recon on the host",
            )
        )
    own = _own(mount, proc)
    base = _base(mount.point, own) if own else None
    if base is None:
        message = f"recon may not write to its own cgroup {own or ''}"
        return CgroupFacts(why=Sentence(message, _SERVICE))
    there = frozenset(_words(f"{base}/cgroup.controllers"))
    missing = {name: _why_missing(name, base, proc) for name in USED if name not in there}
    has_kill = os.path.exists(f"{own}/cgroup.kill") or _kernel() >= (5, 14)
    path = os.path.normpath(os.path.join(mount.root, os.path.relpath(base, mount.point)))
    return CgroupFacts(base, None, there, missing, has_kill, path)


def cpu_quota(proc: str = procfs.PROC) -> float | None:
    """Cores' worth of time that our cgroup may use, or one above it; None where none is bounded."""
    bounds = _bounds("cpu.max", proc)
    return min((int(most) / int(period) for most, period in bounds), default=None)


def most_processes(proc: str = procfs.PROC) -> int | None:
    """Processes and threads that our cgroup may hold, or one above it; None where any number."""
    return min((int(most) for (most,) in _bounds("pids.max", proc)), default=None)


def free_processes(proc: str = procfs.PROC) -> int | None:
    """Processes and threads that may still be made in our cgroup; None where any number."""
    return min((max(0, most - now) for _, most, now in _limited("pids", proc)), default=None)


def free_memory(proc: str = procfs.PROC) -> int | None:
    """Bytes that our cgroup may still have; None where it is not bounded.

    As kubelet counts: cached files that were not read for long (``inactive_file``) give way.
    """
    return min(
        (
            max(0, most - max(0, now - count(directory, "memory.stat", "inactive_file")))
            for directory, most, now in _limited("memory", proc)
        ),
        default=None,
    )


def _limited(controller: str, proc: str) -> Iterator[tuple[str, int, int]]:
    """(directory, most, now) of our cgroup and each above it that has a bound."""
    for directory in _own_directories(proc):
        most, now = (_words(f"{directory}/{controller}.{name}") for name in ("max", "current"))
        if most and now and most[0].isdecimal() and now[0].isdecimal():
            yield directory, int(most[0]), int(now[0])


def _bounds(file: str, proc: str) -> Iterator[list[str]]:
    """What such a file says in our cgroup and in each above it, where that is not ``max``."""
    for directory in _own_directories(proc):
        words = _words(f"{directory}/{file}")
        if words and words[0] != "max":
            yield words


def _own_directories(proc: str) -> Iterator[str]:
    """The directory of our cgroup, and of each above it."""
    mount = _mount(proc)
    own = _own(mount, proc) if mount is not None else None
    if mount is not None and own is not None:
        yield from _upwards(own, mount.point)


def counter(directory: str, file: str, name: str) -> int | None:
    """A counter in a cgroup's file such as ``memory.events``; None where there is none."""
    for line in _lines(f"{directory}/{file}"):
        key, _, value = line.partition(" ")
        if key == name and value.isdecimal():
            return int(value)
    return None


def count(directory: str, file: str, name: str) -> int:
    """The same; 0 where there is no such counter."""
    return counter(directory, file, name) or 0


def is_root(directory: str) -> bool:
    """Whether it is the root of the whole hierarchy, which may hold processes and controllers."""
    return not os.path.exists(f"{directory}/cgroup.type")


def _mount(proc: str) -> _Mount | None:
    """The first mount of cgroup2 (``mountinfo``)."""
    with contextlib.suppress(OSError), open(f"{proc}/self/mountinfo", "rb") as file:
        for mount in mountinfo.mounts(file.read()):
            if mount.kind == "cgroup2":
                writable = "ro" not in (*mount.options, *mount.super_options)
                return _Mount(mount.point, mount.root, writable)
    return None


def _own(mount: _Mount, proc: str) -> str | None:
    """The directory of our own cgroup; None where it is not below this mount."""
    path = next((line[3:] for line in _lines(f"{proc}/self/cgroup") if line[:3] == "0::"), None)
    if path is None:
        return None
    inside = os.path.relpath(path, mount.root)
    if inside.split("/")[0] == "..":
        return None
    return os.path.normpath(os.path.join(mount.point, inside))


def _base(top: str, own: str) -> str | None:
    """See the rule above; None where not even our own may be written to."""
    highest = None
    for directory in _upwards(own, top):
        if not _may_write(directory):
            break
        highest = directory
        if directory != own and _is_delegated(directory):
            break
    return highest


def _upwards(own: str, top: str) -> Iterator[str]:
    directory = own
    while True:
        yield directory
        if directory == top or len(directory) <= len(top):
            return
        directory = os.path.dirname(directory)


def _may_write(directory: str) -> bool:
    """To make cgroups there, to move processes below it, to enable controllers."""
    files = ("cgroup.procs", "cgroup.subtree_control")
    return os.access(directory, os.W_OK | os.X_OK) and all(
        os.access(f"{directory}/{name}", os.W_OK) for name in files
    )


def _is_delegated(directory: str) -> bool:
    for name in _DELEGATED:
        try:
            if os.getxattr(directory, name) == b"1":
                return True
        except OSError:
            continue
    return False


def _why_missing(name: str, base: str, proc: str) -> Sentence:
    """proc/cgroups: name, number of the v1 hierarchy (0: none), cgroups, enabled."""
    rows = {row[0]: row for line in _lines(f"{proc}/cgroups") if len(row := line.split()) == 4}
    if name not in rows:
        return Sentence(f"the kernel was built without the {name} controller of cgroups")
    _, hierarchy, _, enabled = rows[name]
    if hierarchy != "0":
        return Sentence(
            f"the {name} controller is bound to cgroup v1 on this host",
            "boot with cgroup_no_v1=all (or systemd.unified_cgroup_hierarchy=1)",
        )
    if enabled == "0":
        return Sentence(f"the {name} controller is disabled", f"boot with cgroup_enable={name}")
    return Sentence(f"the {name} controller is not delegated to {base}", _SERVICE)


def _kernel() -> tuple[int, int]:
    major, minor = os.uname().release.split(".")[:2]
    return int(major), int("".join(c for c in minor if c.isdigit()) or 0)


def _words(path: str) -> list[str]:
    return [word for line in _lines(path) for word in line.split()]


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="surrogateescape") as file:
            return file.read().splitlines()
    except OSError:
        return []
