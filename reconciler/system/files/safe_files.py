"""Files in folders of another user, written by root: links of that user are not followed.

A log may lie in a folder of the app's own user, who can put anything there at any moment: links to
/etc/shadow, a second name of another's file (fs.protected_hardlinks may be off), a FIFO, another
folder in the place of this one. So as root:

- a folder is opened once, with no link on the way but those that only root could have made
  (openat2, Linux ≥ 5.6; step by step where a sandbox forbids it), and what is done in it is done
  by that descriptor (``held``);
- a file is opened only where it is a regular one, under this name alone, and root's or the
  user's; what is made belongs to the user (``append``, ``create``). Alike for unix sockets.

A recon that is not root writes as the user that it is, who gains nothing by fooling it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from reconciler.system import syscalls
from reconciler.system.files.steps import MOST_LINKS, steps_of

_STEP = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_PATH | os.O_DIRECTORY
_STRICT = syscalls.RESOLVE_NO_SYMLINKS | syscalls.RESOLVE_NO_MAGICLINKS
_CLOSED = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_FOLDER_MODE, _FILE_MODE = 0o750, 0o640
_UNSUPPORTED = {errno.ENOSYS, errno.EPERM}


class Owner(NamedTuple):
    """Whom a file is for."""

    uid: int
    gid: int


def owner_of(file: int | Path) -> Owner | None:
    """The owner of this file (a FIFO of the app's, say), to make others alike; None: no file.

    For root only, since only root can give files away.
    """
    if os.geteuid() != 0:
        return None
    try:
        status = os.stat(file)
    except OSError:
        return None
    return Owner(status.st_uid, status.st_gid)


@contextlib.contextmanager
def held(folder: Path, owner: Owner | None = None, *, make: bool = False) -> Iterator[Path]:
    """The folder by a path that goes on leading to it, whatever its name comes to mean.

    ``make``: where there is none, for ``owner``. OSError.
    """
    if os.geteuid() != 0:
        if make:
            folder.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
        yield folder
        return
    fd = _open_folder(folder, owner, make)
    try:
        yield Path(f"/proc/self/fd/{fd}")
    finally:
        os.close(fd)


def append(path: Path, owner: Owner | None = None) -> int:
    """A descriptor to append to a file, made with its folder where there is none. OSError."""
    if os.geteuid() != 0:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
        try:
            return os.open(path, flags, _FILE_MODE)
        except FileNotFoundError:
            path.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            return os.open(path, flags, _FILE_MODE)
    folder = _open_folder(path.parent, owner, make=True)
    try:
        return _append(folder, path.name, owner)
    finally:
        os.close(folder)


def read(path: Path) -> int:
    """A descriptor to read a file in a folder that is ``held``. OSError."""
    fd = os.open(path, os.O_RDONLY | _CLOSED)
    return _checked(fd, None, path.name)


def create(path: Path, owner: Owner | None = None) -> int:
    """A descriptor to write a file that must not be there yet. OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _CLOSED, _FILE_MODE)
    _give(fd, owner)
    return fd


def give_socket(path: Path, uid: int, gid: int, mode: int) -> None:
    """Set the owner (-1: as it is) and the mode of a unix socket's file. OSError.

    FileNotFoundError where it is gone.
    """
    with held(path.parent) as folder:
        fd = os.open(folder / path.name, _STEP)
        try:
            status = os.fstat(fd)
            if not stat.S_ISSOCK(status.st_mode) or status.st_nlink > 1:
                message = "another file is in its place; remove it"
                raise OSError(errno.EPERM, message, str(path))
            if (uid, gid) != (-1, -1):
                os.chown(f"/proc/self/fd/{fd}", uid, gid)
            os.chmod(f"/proc/self/fd/{fd}", mode)
        finally:
            os.close(fd)


def is_served(path: Path) -> bool:
    """Whether a process listens on a unix socket, also in another network namespace."""
    client = socket.socket(socket.AF_UNIX)
    with contextlib.suppress(OSError), client, held(path.parent) as folder:
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):  # its queue is full
            client.connect(str(folder / path.name))
        return True
    return False


def remove_socket(path: Path) -> None:
    """Remove the file of a unix socket without a listener. Nothing else, and never an error."""
    with contextlib.suppress(OSError), held(path.parent) as folder:
        if stat.S_ISSOCK(os.lstat(folder / path.name).st_mode):
            os.unlink(folder / path.name)


def _append(folder: int, name: str, owner: Owner | None) -> int:
    flags = os.O_WRONLY | os.O_APPEND | _CLOSED
    while True:
        try:
            return _checked(os.open(name, flags, dir_fd=folder), owner, name)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise _named(error, name) from error
        # Apart, because the kernel may refuse O_CREAT on another's file (fs.protected_regular).
        with contextlib.suppress(FileExistsError):
            fd = os.open(name, flags | os.O_CREAT | os.O_EXCL, _FILE_MODE, dir_fd=folder)
            _give(fd, owner)
            return fd


def _checked(fd: int, owner: Owner | None, name: str) -> int:
    """The descriptor, where it is of a file that may be used; closed else. OSError."""
    status = os.fstat(fd)
    fault = ""
    if not stat.S_ISREG(status.st_mode):
        fault = "is not a regular file"
    elif status.st_nlink > 1:
        fault = "has a second name elsewhere (a hard link)"
    elif owner is not None and status.st_uid not in (0, owner.uid):
        fault = f"belongs to uid {status.st_uid}"
    if fault:
        os.close(fd)
        raise OSError(errno.EPERM, f"{name} {fault}, so recon does not touch it; remove it", name)
    return fd


def _named(error: OSError, name: str) -> OSError:
    """The same in words, where a link or a FIFO is in the way."""
    kinds = {errno.ELOOP: "is a link", errno.ENXIO: "is not a regular file"}
    if error.errno not in kinds:
        return error
    return OSError(
        error.errno, f"{name} {kinds[error.errno]}, so recon does not touch it; remove it"
    )


def _give(fd: int, owner: Owner | None) -> None:
    if owner is not None and os.geteuid() == 0:
        os.fchown(fd, *owner)


def _open_folder(path: Path, owner: Owner | None, make: bool) -> int:
    """An O_PATH descriptor. OSError."""
    try:
        return syscalls.openat2(syscalls.AT_FDCWD, os.fspath(path), _FOLDER, 0, _STRICT)
    except OSError as error:
        again = error.errno in _UNSUPPORTED or error.errno == errno.ELOOP
        if not again and not (make and error.errno == errno.ENOENT):
            raise
    return _walk(os.path.abspath(path), owner, make)


def _walk(path: str, owner: Owner | None, make: bool) -> int:
    """Step by step; a link is followed where only root could have put it there."""
    at = os.open("/", _FOLDER | os.O_CLOEXEC)
    names = steps_of(path)
    links = 0
    try:
        while names:
            name = names.pop()
            step = _step(at, name, owner if not names else None, make)
            status = os.fstat(step)
            if not stat.S_ISLNK(status.st_mode):
                os.close(at)
                at = step
                continue
            try:
                target = os.readlink("", dir_fd=step)
            finally:
                os.close(step)
            links += 1
            if links > MOST_LINKS or not _only_root_writes(at) or status.st_uid != 0:
                message = f"a symbolic link in the path ({name}) is not followed"
                raise OSError(errno.ELOOP, message, path)
            names += steps_of(target)
            if target.startswith("/"):
                os.close(at)
                at = os.open("/", _FOLDER | os.O_CLOEXEC)
        if not stat.S_ISDIR(os.fstat(at).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    except BaseException:
        os.close(at)
        raise
    return at


def _step(at: int, name: str, owner: Owner | None, make: bool) -> int:
    """What is called ``name`` there; a folder is made, for ``owner`` or whose it lies in."""
    try:
        return os.open(name, _STEP, dir_fd=at)
    except FileNotFoundError:
        if not make:
            raise
    with contextlib.suppress(FileExistsError):
        os.mkdir(name, _FOLDER_MODE, dir_fd=at)
        above = os.fstat(at)
        fresh = os.open(name, _STEP | os.O_DIRECTORY, dir_fd=at)
        if os.fstat(fresh).st_uid == 0:  # what we have just made, not what has taken its place
            given = owner or Owner(above.st_uid, above.st_gid)
            os.chown(f"/proc/self/fd/{fresh}", *given)
        return fresh
    return os.open(name, _STEP, dir_fd=at)


def _only_root_writes(folder: int) -> bool:
    status = os.fstat(folder)
    others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not status.st_mode & stat.S_ISVTX
    return status.st_uid == 0 and not others
