"""OpenRC as a container's init system (``box``): Debian's packages, unpacked, never installed."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path

from e2e import box
from e2e.box import Box, Init

OPENRC = Init(
    "OpenRC",
    ("/sbin/openrc-init",),
    ("sh", "-c", "[ -e /run/openrc/rc.starting ] || rc-status --runlevel"),
    ("default",),
    ("openrc-shutdown", "--poweroff", "now"),
)
_PACKAGES = ("openrc", "insserv", "librc1", "libeinfo1")
_RUNLEVELS = ("sysinit", "boot", "default", "nonetwork", "shutdown", "off")


class NotHere(Exception):
    """Why OpenRC is unavailable on this host."""


def fetched(folder: Path) -> Path:
    """The files of OpenRC, below ``folder``. NotHere where they are unavailable."""
    if lacks := box.lacking(OPENRC):
        raise NotHere(lacks)
    if missing := [name for name in ("apt-get", "dpkg-deb") if shutil.which(name) is None]:
        raise NotHere(f"a container with OpenRC needs {', '.join(missing)} (Debian, Ubuntu)")
    with tempfile.TemporaryDirectory() as scratch:
        _download(Path(scratch))
        for package in Path(scratch).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", package, folder], check=True, capture_output=True)
    for name in _RUNLEVELS:
        (folder / "etc/runlevels" / name).mkdir(parents=True, exist_ok=True)
    return folder


def container(files: Path) -> Box:
    """One that is yet to be booted."""
    made = Box(OPENRC)
    made.lay(files)
    return made


def _download(folder: Path) -> None:
    """By the package lists that this host has, else by fresh ones that it does not keep."""
    lists = folder / "lists"
    (lists / "partial").mkdir(parents=True)
    own = ["-o", f"Dir::State::Lists={lists}", "-o", "APT::Sandbox::User=root"]
    told = _apt(folder, "download", *_PACKAGES)
    if told:
        told = _apt(folder, *own, "update") or _apt(folder, *own, "download", *_PACKAGES)
    if told:
        raise NotHere(f"apt-get download {' '.join(_PACKAGES)} failed: {told}")


def _apt(folder: Path, *words: str) -> str:
    """What it said where it failed; empty where it did not."""
    done = subprocess.run(
        ["apt-get", "-q", *words], cwd=folder, capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else (done.stderr.strip() or f"exit {done.returncode}")
