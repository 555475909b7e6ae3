"""What is wrong with a host, for recon and for what is declared here. `recon doctor` prints it.

Pure: facts in, findings out, each with what would fix it. Nothing here keeps an app from being
started; what does is a problem of its manifest (see ``enforceable``).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from reconciler.diff.core.capacity import DESCRIPTORS, SPARE
from reconciler.model.host.facts import CgroupFacts
from reconciler.model.host.machine import Disk, Folder, Machine
from reconciler.model.state.finding import Finding, Level, ok, problem, warning
from reconciler.model.state.memory import JournalState

_OLDEST = (5, 10)
_PIPE_PAGES = 16
"""Pages of a pipe of ordinary size (64 KiB)."""
_SKEW = 86_400
"""Seconds that a clock may be behind files: another machine's, that made them, may be ahead."""
_LOW, _EMPTY = 0.10, 0.02
"""Parts of a disk, or of its inodes, that are free."""
_ROOMY = 2 * 2**30
"""Bytes free that are enough, however little of the disk they are."""
_KEPT_BY = {"memory": "limits.memoryHard", "cpu": "limits.cpu", "pids": "limits.processes"}
_REMOTE = {"9p", "afs", "ceph", "cifs", "fuse.sshfs", "glusterfs", "lustre", "nfs", "nfs4", "smb3"}
_FLEETING = {"ramfs", "tmpfs"}


class Needs(NamedTuple):
    """What the declared apps ask of the host, all together."""

    instances: int = 0
    memory: int = 0
    """Bytes: the limits of all instances, as far as they have one."""
    watches: int = 0
    """Folders: of the manifests, and of what apps watch."""


def of_host(machine: Machine, needs: Needs) -> Iterator[Finding]:
    """Kernel, limits and clock."""
    yield from _kernel(machine)
    yield _open_files(machine, needs)
    yield from _processes(machine, needs)
    yield from _pipes(machine, needs)
    yield from _watches(machine, needs)
    yield from _memory(machine, needs)
    yield from _clock(machine)


def of_cgroups(facts: CgroupFacts) -> Iterator[Finding]:
    """Which limits the kernel can be asked to keep; a manifest with another one is refused."""
    if not facts.base:
        message = "the kernel cannot enforce limits of a whole process tree"
        yield warning("cgroups", message, str(facts.why))
        return
    for controller, field in _KEPT_BY.items():
        if controller in facts.controllers:
            yield ok("cgroups", f"{field} can be enforced ({controller} controller)")
        else:
            message = (
                f"{field} is unavailable: the cgroup v2 {controller} controller is not "
                "delegated to recon"
            )
            yield warning("cgroups", message, str(facts.missing.get(controller, facts.why)))
    if not facts.has_kill:
        remedy = "Linux 5.14 or newer ends them all at once"
        yield warning("cgroups", "recon ends the processes of a tree one by one", remedy)


def of_disk(disk: Disk) -> Iterator[Finding]:
    """The file system of the state directory: room, and whether it is of a fit kind."""
    if disk.kind in _REMOTE:
        message = (
            f"{disk.path} is on a network file system ({disk.kind}), on which SQLite is "
            "not reliable"
        )
        yield problem("disk", message, "put the state directory on a local disk (--state-dir)")
    if disk.kind in _FLEETING:
        what = "history and logs are lost at the next boot"
        remedy = "put the state directory on a disk (--state-dir)"
        yield warning("disk", f"{disk.path} is in memory ({disk.kind}): {what}", remedy)
    remedy = "make room: logs cannot be written and history cannot be kept on a full disk"
    yield from _room(disk, "disk", remedy)


def of_log_folder(folder: Folder, disk: Disk | None) -> Iterator[Finding]:
    """Where an app's logs are declared to go; ``disk``: its file system, if that is another one."""
    if not folder.writable:
        message = f"recon cannot write logs in {folder.path}"
        yield problem(
            "logs", message, "chown it to recon's user, or name another place in logs.stdout"
        )
    elif disk is None:
        yield ok("logs", f"logs can be written in {folder.path}")
    elif disk.kind in _REMOTE:
        message = f"{folder.path} is on a network file system ({disk.kind})"
        yield warning(
            "logs",
            f"{message}: while it does not answer, output waits, and then its apps",
            "write logs to a local disk (logs.stdout), and copy them from there",
        )
    else:
        yield from _room(disk, "logs", "make room: logs cannot be written on a full disk")


def _room(disk: Disk, check: str, remedy: str) -> Iterator[Finding]:
    free = disk.free / disk.size if disk.size else 1.0
    nodes = disk.free_inodes / disk.inodes if disk.inodes else 1.0
    message = f"{_bytes(disk.free)} ({free:.0%}) free on the file system of {disk.path}"
    if free < _EMPTY and disk.free < _ROOMY:
        yield problem(check, message, remedy)
    elif free < _LOW and disk.free < _ROOMY:
        yield warning(check, message, remedy)
    else:
        yield ok(check, message)
    if nodes < _LOW:
        level = Level.PROBLEM if nodes < _EMPTY else Level.WARNING
        message = (
            f"{disk.free_inodes:,} files ({nodes:.0%}) can still be created on the file "
            f"system of {disk.path}"
        )
        yield Finding(check, level, message, "remove small files: the file system is out of inodes")


def of_state(folder: Folder, uid: int) -> Finding:
    """Findings on the state directory: its owner, and whether other users could write to it."""
    path = folder.path
    if not folder.exists and folder.writable:
        return ok("state", f"{path} will be created at the first start")
    if not folder.writable:
        return problem("state", f"{path} is not writable for recon", "give another --state-dir")
    if folder.owner != uid:
        remedy = f"chown -R it to uid {uid}, or give another --state-dir"
        return problem("state", f"{path} belongs to uid {folder.owner}, recon is {uid}", remedy)
    if folder.mode & 0o022:
        message = f"other users can write in {path} (mode {folder.mode:04o})"
        return problem("state", message, f"chmod 0700 {path}")
    return ok("state", f"{path} is writable only for recon (mode {folder.mode:04o})")


def of_journal(journal: JournalState) -> Finding:
    """Whether what happens is remembered."""
    if not journal.message:
        return ok("journal", "the journal can be read and written")
    if journal.writable:
        return warning("journal", journal.message, journal.remedy)
    remedy = f"free disk space, or fix the stated cause; {journal.remedy}"
    return problem("journal", journal.message, remedy)


def _kernel(machine: Machine) -> Iterator[Finding]:
    release = machine.release
    if _version(release) < _OLDEST:
        oldest = ".".join(map(str, _OLDEST))
        yield problem("kernel", f"Linux {release} is too old", f"recon needs {oldest} or newer")
    elif machine.exits_reported is None:
        remedy = "allow pidfd_open(2): a sandbox (seccomp) forbids it here"
        yield problem("kernel", f"Linux {release} gives no pidfds", remedy)
    elif not machine.exits_reported:
        message = (
            f"Linux {release} cannot report the exit status of processes started by a "
            "previous controller"
        )
        remedy = "Linux 6.15 can; until then such an exit counts as a failure"
        yield warning("kernel", message, remedy)
    else:
        yield ok("kernel", f"Linux {release} has everything that recon uses")
    if machine.ptrace_scope and machine.uid:
        message = (
            "Yama (ptrace_scope) prevents recon from recovering listening sockets after "
            "a controller crash"
        )
        remedy = "sysctl kernel.yama.ptrace_scope=0, or run recon as root"
        yield warning("kernel", message, remedy)


def _open_files(machine: Machine, needs: Needs) -> Finding:
    # Twice, since an update may have an old and a new process of each number.
    enough = SPARE + 2 * DESCRIPTORS * needs.instances
    message = f"recon may open {_limit(machine.open_files)} files; {enough:,} are enough here"
    if 0 <= machine.open_files < enough:
        remedy = "raise the hard limit: ulimit -Hn, or LimitNOFILE= in its systemd unit"
        return problem("open-files", message, remedy)
    return ok("open-files", message)


def _processes(machine: Machine, needs: Needs) -> Iterator[Finding]:
    bounds = {
        "raise ulimit -u": machine.user_processes,
        "sysctl kernel.pid_max=4194304": machine.pid_max,
        "raise pids.max of recon's cgroup (TasksMax=infinity in its systemd unit; docker run"
        " --pids-limit)": machine.cgroup_processes,
    }
    limits = {remedy: most for remedy, most in bounds.items() if most is not None and most >= 0}
    if not limits:
        return
    remedy = min(limits, key=lambda one: limits[one])
    most = limits[remedy]
    message = f"{most:,} processes are allowed, {needs.instances:,} instances are declared"
    if 2 * needs.instances > most:
        yield problem("processes", message, remedy)
    else:
        yield ok("processes", message)


def _pipes(machine: Machine, needs: Needs) -> Iterator[Finding]:
    if machine.uid == 0 or not machine.pipe_pages:
        return
    if needs.instances * 2 * _PIPE_PAGES > machine.pipe_pages:
        message = (
            f"{needs.instances:,} instances exceed this user's pipe buffer limit "
            "(fs.pipe-user-pages-soft)"
        )
        remedy = "sysctl fs.pipe-user-pages-soft=0, or run recon as root"
        yield warning(
            "pipes",
            f"{message}: a program may have to wait until the controller reads its output",
            remedy,
        )


def _watches(machine: Machine, needs: Needs) -> Iterator[Finding]:
    """Without inotify recon looks every two seconds; a dev server (Vite, nodemon) ends."""
    if not machine.can_watch:
        message = "this user has no free inotify instance to watch files with"
        yield warning("watches", message, "sysctl fs.inotify.max_user_instances=1024")
    if machine.watches is None:
        return
    message = f"{machine.watches:,} folders may be watched, {needs.watches:,} are needed"
    if 2 * needs.watches > machine.watches:  # other programs of this user watch as well
        remedy = "sysctl fs.inotify.max_user_watches=524288, or watch fewer (watch.ignore)"
        yield warning("watches", message, remedy)
    else:
        yield ok("watches", message)


def _memory(machine: Machine, needs: Needs) -> Iterator[Finding]:
    if not needs.memory:
        return
    message = f"limits.memory allows {_bytes(needs.memory)}, the host has {_bytes(machine.memory)}"
    if needs.memory > machine.memory:
        remedy = "lower the limits or the instances, before the kernel kills a process"
        yield warning("memory", message, remedy)
    else:
        yield ok("memory", message)


def _clock(machine: Machine) -> Iterator[Finding]:
    behind = machine.made - machine.clock
    if behind > _SKEW:
        today, built = _day(machine.clock), _day(machine.made)
        message = f"the clock says {today}, but recon was built on {built}"
        yield problem("clock", message, "set it: timedatectl set-time, or let chrony do it")
        return
    if machine.clock_synchronised is None:
        return
    if machine.clock_synchronised:
        yield ok("clock", "the clock is synchronised")
    else:
        message = "the clock is not synchronised: times in logs may be wrong"
        yield warning(
            "clock", message, "run chrony or systemd-timesyncd (in a container: on its host)"
        )


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d")


def _version(release: str) -> tuple[int, ...]:
    numbers = []
    for part in release.split(".")[:2]:
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        numbers.append(int(digits) if digits else 0)
    return tuple(numbers)


def _limit(number: int) -> str:
    return f"{number:,}" if number >= 0 else "any number of"


def _bytes(count: int) -> str:
    for unit, size in (("GiB", 2**30), ("MiB", 2**20)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"
