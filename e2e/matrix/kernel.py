"""What a kernel refuses: files, processes, memory, watches; and what a host hides."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from e2e.harness import Recon
from tests.waiting import until

_MANY = 1 << 20


def limited(
    kind: int, enough: Callable[[int], int]
) -> Callable[[Recon], AbstractContextManager[None]]:
    """The controller may have no more of something than it has."""

    @contextmanager
    def lasts(recon: Recon) -> Iterator[None]:
        assert recon.controller is not None
        pid = recon.controller.pid
        before = resource.prlimit(pid, kind)
        resource.prlimit(pid, kind, (enough(pid), before[1]))
        try:
            yield
        finally:
            resource.prlimit(pid, kind, before)

    return lasts


def open_files(pid: int) -> int:
    """A limit that leaves two descriptors: a client can ask, and no program can start."""
    used = set(map(int, os.listdir(f"/proc/{pid}/fd")))
    return [number for number in range(len(used) + 3) if number not in used][2]


def address_space(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[0])
    return pages * resource.getpagesize() + (1 << 16)


PIDS = Path("/sys/fs/cgroup/pids")


@contextmanager
def no_processes(recon: Recon) -> Iterator[None]:
    """The controller and its helpers are in a cgroup in which no further process may be."""
    assert recon.controller is not None
    apps = {pid for app in recon.status()["apps"] for pid in recon.pids(app["name"]).values()}
    group = PIDS / f"recon-matrix-{os.getpid()}"
    group.mkdir()
    try:
        for pid in _tree(recon.controller.pid, apps):
            with suppress(ProcessLookupError):
                (group / "cgroup.procs").write_text(str(pid))
        (group / "pids.max").write_text("1")
        yield
    finally:
        (group / "pids.max").write_text("max")
        until(lambda: _removed(group), what=f"{group} is empty")


def _removed(group: Path) -> bool:
    """Move what is in a cgroup to the topmost one, and remove it."""
    with suppress(ProcessLookupError):
        for pid in (group / "cgroup.procs").read_text().split():
            (PIDS / "cgroup.procs").write_text(pid)
    try:
        group.rmdir()
    except OSError:
        return False
    return True


def _tree(pid: int, without: set[int]) -> list[int]:
    """A process and its descendants, without some of them."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            found += _tree(child, without) if child not in without else []
    return found


_INOTIFY = "/proc/sys/user/max_inotify_watches"


@contextmanager
def no_watches(recon: Recon) -> Iterator[None]:
    """Its user namespace may watch nothing further."""
    assert recon.controller is not None
    _set_watches(recon, 0)
    (recon.manifests / "more").mkdir()
    try:
        yield
    finally:
        _set_watches(recon, _MANY)


def _set_watches(recon: Recon, count: int) -> None:
    assert recon.controller is not None
    enter = ["nsenter", "--preserve-credentials", "--user", "--target", str(recon.controller.pid)]
    subprocess.run([*enter, "sh", "-c", f"echo {count} > {_INOTIFY}"], check=True)


INSTANCES = "/proc/sys/user/max_inotify_instances"


def no_instances() -> list[str]:
    """A command whose user namespace has no inotify instance."""
    script = f'echo 0 > {INSTANCES} && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"]


@contextmanager
def without_inotify(recon: Recon) -> Iterator[None]:
    assert recon.controller is not None
    for one in Path(f"/proc/{recon.controller.pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            assert os.readlink(one) != "anon_inode:inotify"
    yield


@contextmanager
def overflow(recon: Recon) -> Iterator[None]:
    """More changes of files than the kernel keeps, while the controller stands still."""
    assert recon.controller is not None
    recon.controller.send_signal(signal.SIGSTOP)
    most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    one = recon.manifests / "one.txt"
    try:
        for _ in range(most // 2 + 100):
            one.touch()
            one.unlink()
    finally:
        recon.controller.send_signal(signal.SIGCONT)
    yield


@contextmanager
def throughout(recon: Recon) -> Iterator[None]:
    """It is there from the start to the end."""
    yield


def hidden(folder: str) -> list[str]:
    """A command whose own mounts have an empty, read-only file system at ``folder``."""
    return mounted(f"mount -t tmpfs -o ro tmpfs {folder}")


def mounted(how: str) -> list[str]:
    """A command that has mounts of its own, of which this one is made."""
    script = f'{how} && exec "$@"'
    return ["unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh"]
