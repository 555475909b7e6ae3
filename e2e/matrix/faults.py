"""Faults of a host: each begins, lasts, and ends, while one controller runs."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

from e2e.harness import Recon
from e2e.matrix import clock, disks, kernel, memory, users

ROOT = os.geteuid() == 0


class Fault(NamedTuple):
    """What is wrong with a host, and what may be asked of recon meanwhile."""

    name: str
    what: str
    lasts: Callable[[Recon], AbstractContextManager[None]]
    named: Sequence[str]
    """Words of which the status must have one."""
    silent: str = "nothing that is declared depends on it, so the status need not name it"
    """Why it has none."""
    disk: Callable[[Recon], Path] | None = None
    """The folder that is on a small disk of its own."""
    options: str = "size=2m"
    corrects: str = ""
    """Why a crash cannot be corrected during it; empty where it can."""
    edits: str = ""
    """Why no edit can be made during it."""
    twice: str = ""
    """Why a Job may run twice; empty where it runs once."""
    started_by: Sequence[str] = ()
    lacking: str = ""


def _state(recon: Recon) -> Path:
    return recon.state


def _manifests(recon: Recon) -> Path:
    return recon.manifests


def _logs(recon: Recon) -> Path:
    return recon.manifests.parent / "logs"


_EVENT = "tests/loop/test_failed_starts.py checks that the status names it"
_AS_ROOT = "" if ROOT else "takes root"
FAULTS = (
    Fault(
        "state full",
        "no room on the state directory's disk",
        disks.full(_state),
        ["cannot be written"],
        disk=_state,
        lacking=_AS_ROOT,
    ),
    Fault(
        "state without inodes",
        "no inode on the state directory's disk",
        disks.no_inodes(_state),
        [],
        disk=_state,
        options="size=4m,nr_inodes=200",
        lacking=_AS_ROOT,
    ),
    Fault(
        "state read-only",
        "the state directory's disk is read-only",
        disks.read_only,
        ["cannot be written"],
        disk=_state,
        lacking=_AS_ROOT,
    ),
    Fault(
        "logs full",
        "no room on the disk of the logs",
        disks.full(_logs),
        ["logs cannot be written"],
        disk=_logs,
        lacking=_AS_ROOT,
    ),
    Fault(
        "manifests full",
        "no room on the manifests' disk",
        disks.full(_manifests),
        [],
        disk=_manifests,
        edits="no edit fits on the disk",
        lacking=_AS_ROOT,
    ),
    Fault(
        "manifests unmounted",
        "the manifests' disk is taken away",
        disks.unmounted,
        ["the manifests directory was replaced by another"],
        disk=_manifests,
        corrects="what no manifest declares keeps running, but is started only when one is back",
        edits="there is no manifest to edit",
        lacking=_AS_ROOT,
    ),
    Fault(
        "dead mount",
        "a network file system does not answer",
        disks.dead_env_file,
        ["does not answer"],
        lacking=_AS_ROOT or ("" if os.path.exists("/dev/fuse") else "takes /dev/fuse"),
    ),
    Fault(
        "journal locked",
        "another program holds SQLite's lock",
        memory.locked,
        ["cannot be written"],
    ),
    Fault("journal corrupt", "the journal's file is overwritten", memory.corrupt, []),
    Fault("journal deleted", "the journal's files are removed", memory.database_deleted, []),
    Fault("state deleted", "the whole state directory is removed", memory.state_deleted, []),
    Fault("FIFOs deleted", "the folder of the output FIFOs is removed", memory.fifos_deleted, []),
    Fault(
        "second controller",
        "another controller wants the same state directory",
        memory.second_controller,
        [],
    ),
    Fault(
        "second state directory",
        "another controller runs the same manifests with a state directory of its own",
        memory.elsewhere,
        ["runs these manifests"],
        twice="each of the two controllers runs it, and says so",
    ),
    Fault(
        "EMFILE",
        "the controller may open two further files",
        kernel.limited(resource.RLIMIT_NOFILE, kernel.open_files),
        [],
        silent=_EVENT,
        corrects="a start takes descriptors",
        lacking=_AS_ROOT,
    ),
    Fault(
        "EAGAIN",
        "no further process is allowed",
        kernel.no_processes,
        [],
        silent=_EVENT,
        corrects="a start takes a process",
        lacking=_AS_ROOT
        or ("" if kernel.PIDS.is_dir() else "takes the pids controller of cgroup v1"),
    ),
    Fault(
        "ENOMEM",
        "the controller gets 64 KiB of further memory",
        kernel.limited(resource.RLIMIT_AS, kernel.address_space),
        [],
        corrects="a start takes memory",
        lacking=_AS_ROOT,
    ),
    Fault(
        "inotify exhausted",
        "the kernel allows no further watch",
        kernel.no_watches,
        [],
        started_by=["unshare", "--user", "--map-root-user"],
        lacking=_AS_ROOT,
    ),
    Fault(
        "no inotify",
        "the kernel allows no inotify instance",
        kernel.without_inotify,
        [],
        started_by=kernel.no_instances(),
        lacking=_AS_ROOT,
    ),
    Fault("inotify overflow", "more file changes than the kernel keeps", kernel.overflow, []),
    Fault(
        "pipe budget",
        "an ordinary user has filled its budget of pipes (fs.pipe-user-pages-soft)",
        users.pipes_full,
        [],
        started_by=users.SOME_USER,
        lacking=_AS_ROOT or users.LACKING,
    ),
    Fault(
        "hidepid",
        "/proc hides the processes of other users from an ordinary user (hidepid=2)",
        users.hides_processes,
        [],
        started_by=[*kernel.mounted("mount -t proc -o hidepid=2 proc /proc"), *users.SOME_USER],
        lacking=_AS_ROOT or users.LACKING,
    ),
    *(
        Fault(
            f"clock {where}",
            f"the wall clock is set {where} by two hours, and back again",
            clock.steps(seconds),
            [],
            started_by=clock.shifted(),
        )
        for where, seconds in (("forward", 7200), ("behind", -7200))
    ),
    Fault(
        "no /dev/shm",
        "/dev/shm is empty and read-only",
        kernel.throughout,
        [],
        started_by=kernel.hidden("/dev/shm"),
        lacking=_AS_ROOT,
    ),
    Fault(
        "no cgroups",
        "/sys/fs/cgroup is empty and read-only",
        kernel.throughout,
        [],
        started_by=kernel.hidden("/sys/fs/cgroup"),
        lacking=_AS_ROOT,
    ),
)
