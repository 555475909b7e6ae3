"""Credentials: files for one instance alone, instead of secrets in its environment.

systemd's protocol (systemd.exec(5), "CREDENTIALS"): ``$CREDENTIALS_DIRECTORY`` names a directory
with a file for each. systemd has no variable for a single file, so here ``env.X`` itself holds the
path of its own, which programs that take "a file with the key" can use as they are.

The directory is 0500 and the files 0400, the app's user's. They lie in memory where the host has
such a place (``/run`` for root, ``/run/user/UID``), else in the state directory; they are named
by the instance's nonce, so that the next controller knows them, and go when its last process does.
"""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Container, Iterator, Mapping
from pathlib import Path

from reconciler.model.state.observed import Tag

_FOLDER = "credentials"
_bases: dict[str, Path] = {}
"""Where the credentials of a store lie: chosen once, when its controller starts."""


def directory(tag: Tag) -> str:
    """What CREDENTIALS_DIRECTORY says to an instance, and to its probes and hooks."""
    return str(_bases.get(tag.store, _places(tag.store)[0]) / tag.nonce)


class Credentials:
    """The files of all instances of one store."""

    def __init__(self, state_dir: Path, store: str) -> None:
        self._store = store
        self._places = [*_places(store), state_dir / _FOLDER]

    def create(self, nonce: str, files: Mapping[str, bytes], owner: tuple[int, int] | None) -> None:
        """Write them, before the instance is started. OSError; ``remove`` takes back what was."""
        folder = self._base() / nonce
        folder.mkdir(mode=0o700)
        for name, content in files.items():
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400)
            with open(descriptor, "wb") as file:
                file.write(content)
                _give(descriptor, owner, 0o400)
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _give(opened, owner, 0o500)
        finally:
            os.close(opened)

    def remove(self, nonce: str) -> None:
        """The instance is gone, or was never started."""
        for base in self._places:
            _remove(base / nonce)

    def sweep(self, live: Container[str]) -> None:
        """When a controller starts: instances that run keep their place, the rest goes."""
        for base in self._places:
            for folder in _folders(base):
                if folder.name in live:
                    _bases[self._store] = base
                else:
                    _remove(folder)

    def _base(self) -> Path:
        """The place in use; at first, the best one available. Made again if it was removed."""
        known = _bases.get(self._store)
        if known is not None:
            _make(known)
            return known
        for base in self._places[:-1]:
            with contextlib.suppress(OSError):
                _make(base)
                _bases[self._store] = base
                return base
        _make(self._places[-1])
        _bases[self._store] = self._places[-1]
        return self._places[-1]


def _places(store: str) -> list[Path]:
    """By preference; the same for every controller of this user, however it was started."""
    if os.geteuid() == 0:
        roots = ["/run/recon"]
    else:
        given = os.environ.get("XDG_RUNTIME_DIR")
        roots = [*([f"{given}/recon"] if given else []), f"/run/user/{os.geteuid()}/recon"]
    return [Path(root) / _FOLDER / store for root in roots]


def _make(base: Path) -> None:
    """Create a folder that apps' users can enter, and that only root can list. OSError."""
    for folder in [one for one in (base, *base.parents) if not one.exists()][::-1]:
        folder.mkdir(mode=0o700)
        folder.chmod(0o711)
    found = base.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o022:
        raise OSError(errno.EPERM, "other users can write there; remove it", str(base))


def _give(descriptor: int, owner: tuple[int, int] | None, mode: int) -> None:
    if owner is not None:
        os.fchown(descriptor, *owner)
    os.fchmod(descriptor, mode)


def _folders(base: Path) -> Iterator[Path]:
    with contextlib.suppress(OSError):
        yield from [*base.iterdir()]


def _remove(folder: Path) -> None:
    """Its owner may have put anything in it; rmtree follows no link there.

    With the last one goes the place, which ``_base`` makes again.
    """
    if os.path.lexists(folder):
        with contextlib.suppress(OSError):
            folder.chmod(0o700)  # ours, so that we may remove what is in it
        shutil.rmtree(folder, ignore_errors=True)
        with contextlib.suppress(OSError):
            folder.parent.rmdir()
