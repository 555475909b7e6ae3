"""The state directory: where it is, what lies in it, and the two identities it holds.

Losing it loses history, never a process: processes are known by their tag, and the ``store`` in
the tag is made from the directory's path, so that it survives the directory.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from reconciler.system.files.rundir import made, run_dir

SHARED = Path("/run/recon")


class StatePaths(NamedTuple):
    """Absolute places below one state directory."""

    root: Path

    @property
    def database(self) -> Path:
        return self.root / "recon.db"

    @property
    def socket(self) -> Path:
        return self.root / "recon.sock"

    @property
    def shared_socket(self) -> Path:
        """For those who may not enter the state directory (``--api-group``)."""
        return SHARED / f"{store_id(self)}.sock"

    @property
    def lock(self) -> Path:
        return self.root / "lock"

    @property
    def run_lock(self) -> Path | None:
        """In the run directory, where there is one: it outlives the state directory."""
        folder = run_dir()
        return folder / f"{store_id(self)}.lock" if folder is not None else None

    @property
    def key(self) -> Path:
        return self.root / "key"

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def controller_log(self) -> Path:
        return self.root / "recon.log"


def state_paths(given: str | None, environ: Mapping[str, str] = os.environ) -> StatePaths:
    """``--state-dir``, else RECON_STATE_DIR, else /var/lib/recon (root) or XDG_STATE_HOME/recon."""
    text = given or environ.get("RECON_STATE_DIR")
    if text:
        root = Path(text)
    elif os.geteuid() == 0:
        root = Path("/var/lib/recon")
    else:
        home = environ.get("XDG_STATE_HOME") or str(Path.home() / ".local/state")
        root = Path(home) / "recon"
    return StatePaths(Path(os.path.realpath(root)))


def store_id(paths: StatePaths) -> str:
    """Eight hex digits that name this state directory in the tags of its processes."""
    import hashlib  # noqa: PLC0415  loads OpenSSL, which takes longer than a look at the paths

    return hashlib.sha256(os.fsencode(paths.root)).hexdigest()[:8]


def prepare(paths: StatePaths) -> None:
    """Create the directory, closed to other users.

    OSError where that cannot be, or where others had or have a hand in it: what lies there is
    believed, and written to.
    """
    from reconciler.system.files.trust import trusting  # noqa: PLC0415  not for a look

    paths.root.mkdir(mode=0o700, parents=True, exist_ok=True)
    trusting().check_folder(str(paths.root.parent))
    folder = os.open(paths.root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        status = os.fstat(folder)
        if status.st_uid != os.geteuid():
            message = f"it belongs to uid {status.st_uid}, and recon runs as uid {os.geteuid()}"
            raise PermissionError(errno.EPERM, message, str(paths.root))
        if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and os.listdir(folder):
            message = f"others could write to it (mode {stat.S_IMODE(status.st_mode):04o})"
            remedy = f"check that its content is recon's, and run chmod 700 {paths.root}"
            raise PermissionError(errno.EPERM, f"{message}; {remedy}", str(paths.root))
        if stat.S_IMODE(status.st_mode) != 0o700:
            os.fchmod(folder, 0o700)
    finally:
        os.close(folder)


NO_ROOM = frozenset({errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO})
"""What a state directory may suffer from while apps are run nevertheless."""


def prepare_run(paths: StatePaths) -> None:
    """The folder of the lock that outlives the state directory, where that can be."""
    if paths.run_lock is not None:
        with contextlib.suppress(OSError):
            made(paths.run_lock.parent)


def prepare_shared(paths: StatePaths) -> None:
    """The folder of the shared socket, which all may enter. OSError; only root can make it."""
    folder = paths.shared_socket.parent
    if os.geteuid() != 0:
        message = f"only root can listen in {folder}, where a group can reach it (--api-group)"
        raise PermissionError(errno.EPERM, message, str(folder))
    folder.mkdir(mode=0o755, exist_ok=True)
    folder.chmod(0o755)  # whatever our umask is


def secret_key(paths: StatePaths, *, create: bool = False) -> bytes | None:
    """The random key that marks secrets; None where there is none (yet) or it cannot be read."""
    try:
        key = paths.key.read_bytes()
        if len(key) == 32:
            return key
    except OSError:
        pass
    if not create:
        return None
    key = os.urandom(32)
    keep_key(paths, key)
    return key


def keep_key(paths: StatePaths, key: bytes | None) -> None:
    """See that the key is in its file. What cannot be written now (a full disk) is tried again:
    until it is there, this controller's secrets have a key that no other controller knows."""
    if key is None or os.path.lexists(paths.key):
        return
    fresh = paths.key.with_suffix(".new")
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key)
        fresh.rename(paths.key)
    except OSError:
        with contextlib.suppress(OSError):
            fresh.unlink()
