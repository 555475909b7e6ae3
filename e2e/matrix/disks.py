"""Disks that are full, read-only, gone, or do not answer."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from e2e.deadmount import dead
from e2e.harness import Recon, replace
from tests.waiting import until

_MANY = 1 << 20


@contextmanager
def disk(folder: Path, options: str) -> Iterator[None]:
    """A small file system on ``folder``."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], check=True)
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def full(where: Callable[[Recon], Path]) -> Callable[[Recon], AbstractContextManager[None]]:
    @contextmanager
    def lasts(recon: Recon) -> Iterator[None]:
        filler = where(recon) / ".filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        try:
            yield
        finally:
            filler.unlink()

    return lasts


def no_inodes(where: Callable[[Recon], Path]) -> Callable[[Recon], AbstractContextManager[None]]:
    @contextmanager
    def lasts(recon: Recon) -> Iterator[None]:
        folder = where(recon) / ".fillers"
        folder.mkdir()
        try:
            for number in range(_MANY):
                (folder / str(number)).touch()
        except OSError:
            pass
        try:
            yield
        finally:
            shutil.rmtree(folder)

    return lasts


@contextmanager
def read_only(recon: Recon) -> Iterator[None]:
    """It becomes so while no controller runs: no disk does it where a file is open for writing."""
    recon.kill_controller()
    _remount(recon.state, "ro")
    recon.run()
    try:
        yield
    finally:
        _remount(recon.state, "rw")


def _remount(folder: Path, how: str) -> None:
    words = ["mount", "-o", f"remount,{how}", str(folder)]
    until(
        lambda: subprocess.run(words, check=False, capture_output=True).returncode == 0,
        what=f"{folder} is {how}",
    )


@contextmanager
def unmounted(recon: Recon) -> Iterator[None]:
    """The manifests' disk is taken away (`umount -l`), and comes back."""
    texts = {path.name: path.read_bytes() for path in recon.manifests.glob("*.yaml")}
    subprocess.run(["umount", "-l", recon.manifests], check=True)
    try:
        yield
    finally:
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", recon.manifests], check=True
        )
        for name, text in texts.items():
            replace(recon.manifests / name, text)


@contextmanager
def dead_env_file(recon: Recon) -> Iterator[None]:
    """A folder that an app reads its variables from does not answer."""
    folder = recon.manifests.parent / "far"
    folder.mkdir()
    (folder / ".env").write_text("A=1")
    with dead(folder):
        recon.app("far", ["sleep", "1000"], envFrom=[str(folder / ".env")])
        yield
