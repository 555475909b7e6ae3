"""A container with an init system as its PID 1: this very host, on a copy-on-write of its files.

So `systemctl restart`, a shutdown and the boot after it are the real ones, within seconds; of
systemd with nothing to download. The cgroup hierarchy is v2; which controllers it has depends on
the host.
Everything in it ends with ``close``: PID 1 of a pid namespace takes all others along.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tests.waiting import until

ROOT = Path(__file__).parents[1]
_SCRIPT = Path(__file__).with_name("box.sh")
_SYSTEMD = "/lib/systemd/systemd"
_ENTER = ["--mount", "--pid", "--cgroup", "--uts", "--ipc", "--net"]


class Init(NamedTuple):
    """A program that boots the container, and the commands that it is asked by."""

    name: str
    boot: tuple[str, ...]
    state: tuple[str, ...]
    """Prints one of ``up`` as its first word when the boot is done."""
    up: tuple[str, ...]
    power_off: tuple[str, ...]


SYSTEMD = Init(
    "systemd",
    (
        *(_SYSTEMD, "--system", "--log-target=console", "--show-status=no"),
        "--unit=multi-user.target",
    ),
    ("systemctl", "is-system-running"),
    ("running", "degraded"),
    ("systemctl", "poweroff"),
)


def lacking(init: Init = SYSTEMD) -> str:
    """Why there can be no such container here; empty where there can."""
    what = f"a container with {init.name} needs"
    if os.geteuid() != 0:
        return f"{what} root"
    missing = [name for name in ("unshare", "nsenter", "pivot_root") if not shutil.which(name)]
    if init is SYSTEMD and not os.path.exists(_SYSTEMD):
        missing.append(_SYSTEMD)
    if missing:
        return f"{what} {', '.join(missing)}"
    return "" if _cgroup2() else f"{what} cgroup v2 mounted"


class Box:
    """One container, whose files stay from one boot to the next."""

    def __init__(self, init: Init = SYSTEMD) -> None:
        self._init_system = init
        # On a file system of its own: what is laid over / cannot lie below / itself.
        self._home = Path(tempfile.mkdtemp(prefix="recon-box-", dir="/dev/shm"))
        self._cgroup = Path(_cgroup2(), f"recon-box-{os.getpid()}")
        self._outer: subprocess.Popen[bytes] | None = None
        self._log = self._home / "console.log"

    def lay(self, files: Path) -> None:
        """Lay the files below a folder over the host's own, before the first boot."""
        for top in files.iterdir():
            # /sbin of a package is what the host has made of it: a link to /usr/sbin, mostly.
            place = self._home / "upper" / str(Path("/", top.name).resolve()).lstrip("/")
            shutil.copytree(top, place, symlinks=True, dirs_exist_ok=True)

    def boot(self) -> None:
        """Start it; returns when its init system says that it is up."""
        self._cgroup.mkdir(exist_ok=True)
        join = f'echo $$ > {self._cgroup}/cgroup.procs; exec "$@"'
        words = ["unshare", *_ENTER, "--fork", "--kill-child", "sh", str(_SCRIPT)]
        with self._log.open("ab") as log:
            self._outer = subprocess.Popen(
                [
                    "sh",
                    "-c",
                    join,
                    "sh",
                    *words,
                    str(self._home),
                    str(ROOT),
                    *self._init_system.boot,
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        outer = self._outer
        name = self._init_system.name
        until(lambda: self._is_up() or outer.poll() is not None, what=f"{name} is up")
        assert outer.poll() is None, self._log.read_text(errors="replace")

    def shut_down(self) -> None:
        """As a user would, by `systemctl poweroff` say; returns when all has ended."""
        assert self._outer is not None
        self(*self._init_system.power_off, code=None)
        self._outer.wait(timeout=120)
        self._outer = None

    def __call__(self, *words: str | Path, code: int | None = 0) -> str:
        """Run a command in it; both its outputs. Asserts the exit code unless that is None."""
        enter = ["nsenter", "--target", str(self._init()), *_ENTER]
        done = subprocess.run(
            [*enter, *map(str, words)],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            cwd="/",
            env={"PATH": os.environ["PATH"], "HOME": "/root", "NO_COLOR": "1"},
        )
        told = done.stdout + done.stderr
        assert code is None or done.returncode == code, f"{words}: {done.returncode}\n{told}"
        return told

    def pids(self, pattern: str) -> list[int]:
        """Processes in it whose command line matches, by their numbers in there."""
        return [int(text) for text in self("pgrep", "-f", pattern, code=None).split()]

    def file(self, path: str) -> Path:
        """A file that was changed in it (below /tmp, /run and /dev nothing is kept)."""
        return self._home / "upper" / path.lstrip("/")

    def close(self) -> None:
        if self._outer is not None:
            self._outer.send_signal(signal.SIGKILL)
            self._outer.wait()
        until(lambda: _removed(self._cgroup), what="the container's cgroups are empty")
        shutil.rmtree(self._home)

    def _init(self) -> int:
        """PID 1's number out here."""
        assert self._outer is not None
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children")
        return int(children.read_text().split()[0])

    def _is_up(self) -> bool:
        with contextlib.suppress(AssertionError, IndexError, OSError):
            state = self(*self._init_system.state, code=None).split()[:1]
            return state != [] and state[0] in self._init_system.up
        return False


def _cgroup2() -> str:
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        rows = [line.split() for line in mounts]
    return next((row[1] for row in rows if row[2] == "cgroup2"), "")


def _removed(cgroup: Path) -> bool:
    for folder in _below(cgroup):
        with contextlib.suppress(OSError):
            folder.rmdir()
    return not cgroup.exists()


def _below(folder: Path) -> Iterator[Path]:
    """Deepest first."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.is_dir():
                yield from _below(path)
        yield folder
