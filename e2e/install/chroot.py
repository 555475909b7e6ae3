"""A Debian of its own, made by mmdebstrap, with processes of its own: to install recon in.

The network is this host's, and pip's settings are this host's too. Everything in it ends with
``close``: PID 1 of a pid namespace takes all others along.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from e2e.install.run import run
from tests.waiting import until

_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "recon-chroot"
_MIRROR = "http://deb.debian.org/debian"
_BOOT = """
set -e
mount --make-rprivate /
mkdir -p "$1/dev"
mount -t proc proc "$1/proc"
mount -t tmpfs -o mode=1777 tmpfs "$1/tmp"
mount -t tmpfs -o mode=755 tmpfs "$1/dev"
for name in null zero full random urandom tty; do
  touch "$1/dev/$name"
  mount --bind "/dev/$name" "$1/dev/$name"
done
ln -s /proc/self/fd "$1/dev/fd"
mkdir "$1/dev/shm" "$1/tree"
mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm"
exec chroot "$1" sh -c 'touch /booted; sleep infinity & wait'
"""
"""A shell that waits reaps what is orphaned, as PID 1 has to."""
_SETTINGS = ("/etc/resolv.conf", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
_ENTER = ("--mount", "--pid", "--ipc", "--uts", "--root", "--wd")
_PASSED = ("PIP_", "UV_", "SSL_CERT_FILE")
USER = "tester"


def lacking() -> str:
    """Why there can be no such system here; empty where there can."""
    if os.geteuid() != 0:
        return "a chroot needs root"
    missing = [name for name in ("mmdebstrap", "unshare", "nsenter") if not shutil.which(name)]
    return f"a chroot needs {', '.join(missing)}" if missing else ""


def base(suite: str, packages: tuple[str, ...]) -> Path:
    """The files of a minimal Debian with these packages, made once. Raises SystemExit."""
    _CACHE.mkdir(parents=True, exist_ok=True)
    tar = _CACHE / f"{suite}-{'-'.join(packages)}.tar"
    if not tar.exists():
        fresh = tar.with_name(f"{tar.name}.{os.getpid()}.tar")
        words = ["mmdebstrap", "--quiet", "--variant=minbase", "--skip=output/dev"]
        words += [f"--include={','.join(packages)}", suite, str(fresh), _MIRROR]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"no {suite} was made: {done.stderr.strip()[-500:]}")
        fresh.rename(tar)
    return tar


class Chroot:
    """One Debian, up from its making until ``close``."""

    def __init__(self, suite: str, *packages: str) -> None:
        tar = base(suite, packages)
        self.root = Path(tempfile.mkdtemp(prefix="recon-chroot-"))
        subprocess.run(["tar", "-xf", tar, "-C", self.root], check=True)
        for place in _SETTINGS:
            if os.path.exists(place):
                into = self.root / place.lstrip("/")
                into.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(place, into)
        names = ["--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child"]
        self._outer = subprocess.Popen(["unshare", *names, "sh", "-c", _BOOT, "sh", self.root])
        until(lambda: (self.root / "booted").exists() or self._ended(), what=f"{suite} is up")
        assert not self._ended()
        children = Path(f"/proc/{self._outer.pid}/task/{self._outer.pid}/children")
        self._first = children.read_text().split()[0]
        self("useradd", "--create-home", "--shell", "/bin/sh", USER)

    def _ended(self) -> bool:
        return self._outer.poll() is not None

    def put(self, tree: Path, place: str) -> None:
        """Copy a folder or a file into it, for everyone to write to."""
        into = self.root / place.lstrip("/")
        if tree.is_dir():
            shutil.copytree(tree, into)
        else:
            shutil.copy(tree, into)
        subprocess.run(["chmod", "-R", "a+rwX", into], check=True)

    def __call__(self, *words: str, code: int | None = 0) -> str:
        """Run a command as root; both its outputs. Asserts the exit code unless that is None."""
        passed = {k: v for k, v in os.environ.items() if k.startswith(_PASSED)}
        passed |= {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
        passed |= {"HOME": "/root", "LANG": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}
        return run(["nsenter", "--target", self._first, *_ENTER, *words], passed, code)

    def as_user(self, line: str, code: int | None = 0) -> str:
        """Run a line of shell as an ordinary user, from that user's home."""
        shell = f"cd; export HOME=$PWD PATH=$PWD/.local/bin:$PATH; {line}"
        return self("runuser", "-u", USER, "--", "sh", "-c", shell, code=code)

    def close(self) -> None:
        """End all that runs in it, and remove it."""
        self._outer.kill()
        self._outer.wait()
        shutil.rmtree(self.root)
