"""A file that is read, and then replaced as a whole: no reader sees half of it, or none.

The file keeps its mode and owner, and a link stays a link. As root a link is followed only where
only root could have made it, and all is done by a descriptor of the folder (``safe_files.held``):
a user who swaps names meanwhile cannot have another file written.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path

from reconciler.system.files.regular import reopen_regular
from reconciler.system.files.safe_files import held
from reconciler.system.files.steps import MOST_LINKS

_FOUND = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_FRESH = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class ChangedMeanwhileError(OSError):
    """Another program wrote the file after it was read."""

    def __init__(self, path: str) -> None:
        super().__init__(errno.EBUSY, "another program has changed the file just now", path)


class HeldFile:
    """One file in a folder that stays the same folder, whatever its name comes to mean."""

    def __init__(self, folder: Path, name: str, shown: str) -> None:
        self._folder = folder
        self._name = name
        self._shown = shown

    def read(self, limit: int) -> bytes:
        """The content, of at most ``limit`` bytes. OSError."""
        found = os.open(self._folder / self._name, _FOUND)
        try:
            with open(reopen_regular(found), "rb") as file:
                content = file.read(limit + 1)
        finally:
            os.close(found)
        if len(content) > limit:
            raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), self._shown)
        return content

    def replace(self, before: bytes, content: bytes) -> None:
        """Put ``content`` in the place of ``before``, at once.

        OSError; ``ChangedMeanwhileError`` where the file does not hold ``before`` any more. Where
        that is raised nothing has changed.
        """
        status = os.lstat(self._folder / self._name)
        fresh = self._folder / f".{self._name}.{os.getpid()}.tmp"
        try:
            with open(os.open(fresh, _FRESH, 0o600), "wb") as written:
                os.fchmod(written.fileno(), stat.S_IMODE(status.st_mode))
                if (status.st_uid, status.st_gid) != (os.geteuid(), os.getegid()):
                    os.fchown(written.fileno(), status.st_uid, status.st_gid)
                written.write(content)
                written.flush()
                os.fsync(written.fileno())
            if self.read(len(before)) != before:
                raise ChangedMeanwhileError(self._shown)
            os.rename(fresh, self._folder / self._name)
        except BaseException as error:
            with contextlib.suppress(OSError):
                fresh.unlink()
            if isinstance(error, OSError) and error.errno == errno.EFBIG:
                raise ChangedMeanwhileError(self._shown) from None
            raise


@contextlib.contextmanager
def held_file(path: str) -> Iterator[HeldFile]:
    """The file that ``path``, which is absolute, leads to. OSError."""
    target = path
    for _ in range(MOST_LINKS):
        folder, name = os.path.split(target)
        with held(Path(folder)) as opened:
            link = _link(opened, name, path)
            if link is None:
                yield HeldFile(opened, name, path)
                return
        target = os.path.join(folder, link)
    raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)


def _link(folder: Path, name: str, path: str) -> str | None:
    """Where a link leads that may be followed; None where there is another file. OSError."""
    status = os.lstat(folder / name)
    if not stat.S_ISLNK(status.st_mode):
        return None
    if os.geteuid() == 0 and not (status.st_uid == 0 and _only_root_writes(folder)):
        message = "another user could have made this link, and recon is root here; edit the file"
        raise OSError(errno.ELOOP, message, path)
    return os.readlink(folder / name)


def _only_root_writes(folder: Path) -> bool:
    status = os.stat(folder)
    others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
    return status.st_uid == 0 and not others
