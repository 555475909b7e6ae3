"""The disk of the machine: Debian 12 with systemd, and what recon's tests need.

Built once by mmdebstrap, as root or as any user who may make user namespaces, and kept in
``~/.cache/recon-vm`` under the hash of what went into it. No boot ever writes to it.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[2]
_PROVISION = Path(__file__).with_name("provision.sh")
_NEEDED = ("mmdebstrap", "fakeroot", "mkfs.ext4", "setpriv", "qemu-system-x86_64")
_PACKAGES = (
    # The kernel for clouds has NVMe and ext4 built in, so it boots without an initrd;
    # tiny-initramfs only keeps apt from installing a large maker of them.
    *("linux-image-cloud-amd64", "tiny-initramfs"),
    *("systemd-sysv", "libpam-systemd", "dbus", "dbus-user-session"),
    *("python3", "python3-venv", "procps", "iproute2", "git"),
)
_UNREAD = ("doc", "man", "locale", "info")
_PYTHON = "3.11"  # Debian 12's
_PLATFORMS = ("manylinux2014_x86_64", "manylinux_2_28_x86_64", "manylinux_2_36_x86_64")
_BYTES = 8 << 30  # a hole in the file until something is written


@dataclass(frozen=True)
class Image:
    """What qemu is given."""

    kernel: Path
    disk: Path


def image() -> Image:
    """The image of this recipe, built now if there is none. Raises SystemExit with what to do."""
    missing = [name for name in _NEEDED if shutil.which(name) is None]
    if missing:
        raise SystemExit(
            f"the machine needs {', '.join(missing)}: on Debian and Ubuntu, apt-get install "
            "--no-install-recommends qemu-system-x86 mmdebstrap fakeroot e2fsprogs"
        )
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "recon-vm"
    cache.mkdir(parents=True, exist_ok=True)
    directory = cache / _key()
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two worktrees may ask at once
        if not directory.exists():
            print(f"building {directory} (once, some two minutes)", file=sys.stderr)
            with tempfile.TemporaryDirectory(dir=cache) as scratch:
                _build(Path(scratch))
                (Path(scratch) / "image").rename(directory)
    return Image(directory / "vmlinuz", directory / "root.img")


def _key() -> str:
    """Changes when the recipe does, or what pyproject.toml says is to be installed."""
    project = tomllib.loads((SOURCE / "pyproject.toml").read_text())["project"]
    recipe = hashlib.sha256(json.dumps(project, sort_keys=True).encode())
    recipe.update(_PROVISION.read_bytes())
    recipe.update(repr((_PACKAGES, _UNREAD, _PYTHON, _PLATFORMS, _BYTES)).encode())
    return recipe.hexdigest()[:16]


def _build(scratch: Path) -> None:
    provision, finished = scratch / "provision", scratch / "image"
    provision.mkdir()
    finished.mkdir()
    shutil.copy(_PROVISION, provision)
    shutil.copy(SOURCE / "pyproject.toml", provision)
    _download_wheels(provision / "wheels")
    _run(
        "mmdebstrap",
        *("--quiet", "--variant=minbase", f"--include={','.join(_PACKAGES)}"),
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _UNREAD),
        f"--customize-hook=copy-in {provision} /tmp",
        '--customize-hook=chroot "$1" sh /tmp/provision/provision.sh',
        '--customize-hook=rm -r "$1"/tmp/provision',
        *("--skip=output/dev", "bookworm", str(scratch / "root.tar")),
    )
    # fakeroot: files keep their owners without anybody being root.
    unpack = f"""set -eu
        mkdir root
        tar -xf root.tar -C root
        cp root/boot/vmlinuz-* image/vmlinuz
        truncate -s {_BYTES} image/root.img
        mkfs.ext4 -q -d root -L root image/root.img
        chmod a+r image/*"""
    _run("fakeroot", "sh", "-c", unpack, cwd=scratch)


def _download_wheels(into: Path) -> None:
    """By the host's pip, with its settings, for the machine's Python."""
    _run(
        *(sys.executable, "-m", "pip", "download", "--quiet", "--quiet"),
        *("--disable-pip-version-check", "--dest", str(into)),
        *("--only-binary=:all:", "--implementation=cp"),
        *(f"--python-version={_PYTHON}", *(f"--platform={name}" for name in _PLATFORMS)),
        *(f"{SOURCE}[dev]", "setuptools", "wheel"),
    )


def _run(*command: str, cwd: Path | None = None) -> None:
    """Run it; its complaints are the message if it fails."""
    done = subprocess.run(command, cwd=cwd, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise SystemExit(f"the image was not built: {command[0]} exited {done.returncode}")
