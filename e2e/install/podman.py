"""podman with storage of its own, which needs neither systemd nor a registry."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from e2e.install.run import run

_FLAGS = ("--runtime", "runc", "--cgroup-manager", "cgroupfs", "--storage-driver", "vfs")
_SETTINGS = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
netns = "host"
log_driver = "k8s-file"
[engine]
events_logger = "file"
"""
"""An unprivileged host may raise no limit, and builds a network only with further programs."""


def lacking() -> str:
    """Why no container runs here; empty where one does."""
    if os.geteuid() != 0:
        return "podman with storage of its own needs root"
    missing = [name for name in ("podman", "runc", "catatonit") if not _which(name)]
    return f"containers need {', '.join(missing)}" if missing else ""


def _which(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path="/usr/libexec/podman:/usr/sbin:/sbin")


class Podman:
    """One podman; ``close`` ends its containers and removes its storage."""

    def __init__(self) -> None:
        # podman refuses a runroot of more than 50 characters, as those of pytest are.
        self._home = home = Path(tempfile.mkdtemp(prefix="recon-podman-"))
        (home / "containers.conf").write_text(_SETTINGS)
        places = ("--root", str(home / "root"), "--runroot", str(home / "run"))
        self._words = ["podman", *places, "--tmpdir", str(home / "tmp"), *_FLAGS]
        self._environment = {**os.environ, "CONTAINERS_CONF": str(home / "containers.conf")}

    def __call__(self, *words: str | Path, code: int | None = 0) -> str:
        """Run a command; both its outputs. Asserts the exit code unless that is None."""
        return run([*self._words, *words], self._environment, code)

    def close(self) -> None:
        self("pod", "rm", "--all", "--force", code=None)
        self("rm", "--all", "--force", "--volumes", "--time", "1", code=None)
        self("rmi", "--all", "--force", code=None)
        shutil.rmtree(self._home)
