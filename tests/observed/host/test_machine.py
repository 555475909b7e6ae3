"""The host as it is; compared with what other programs say of it."""

from __future__ import annotations

import os
import resource
import shutil
import time
from pathlib import Path

from reconciler.observed.host.machine import disk, folder, machine


def test_the_machine_is_told_as_the_kernel_tells_it() -> None:
    found = machine()
    assert found.release == os.uname().release
    assert found.uid == os.geteuid()
    assert found.open_files == resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    total = next(
        int(line.split()[1]) * 1024
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemTotal")
    )
    assert abs(found.memory - total) <= total / 100
    assert abs(found.clock - time.time()) < 60 and found.made < found.clock
    assert found.watches == int(Path("/proc/sys/fs/inotify/max_user_watches").read_text())
    assert found.can_watch
    assert found.pid_max == int(Path("/proc/sys/kernel/pid_max").read_text())


def children() -> set[str]:
    """Of this process, dead ones too; other tests may have left some."""
    tasks = Path("/proc/self/task").glob("*/children")
    return {pid for task in tasks for pid in task.read_text().split()}


def test_looking_leaves_no_child_and_no_descriptor() -> None:
    before, had = set(os.listdir("/proc/self/fd")), children()
    machine()
    assert set(os.listdir("/proc/self/fd")) == before
    assert children() <= had


def test_a_disk_is_that_of_the_nearest_directory_that_exists(tmp_path: Path) -> None:
    found = disk(tmp_path / "not/yet/there")
    total, _, free = shutil.disk_usage(tmp_path)
    assert found.size == total
    assert abs(found.free - free) < total / 10
    assert found.kind
    assert disk(Path("/proc")).kind == "proc"


def test_a_folder_that_is_there_and_one_that_could_be(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    found = folder(tmp_path)
    assert (found.exists, found.owner, found.mode) == (True, os.geteuid(), 0o750)
    fresh = folder(tmp_path / "a/b")
    assert (fresh.exists, fresh.writable) == (False, True)
