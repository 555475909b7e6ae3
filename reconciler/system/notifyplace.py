"""Where programs of a store send what they have to say (sd_notify(3)): the socket's address.

Root's controller has a path in a folder that only root can write to, as systemd has
``/run/systemd/notify``: any user may send, none can take the name first. It does not depend on the
state directory, whose path may be longer than a socket's address can be (107 bytes), and no view of
the file system (``privateTmp``) hides it.

An ordinary user's controller has an abstract name: its programs are the user's own, and no folder
in memory outlives the user's last session.
"""

from __future__ import annotations

import os
import stat

FOLDER = "/run/recon/notify"


def old_address(store: str) -> str:
    """What programs were started with before 0.2, and without a folder: an abstract name."""
    return f"@recon/{store}/notify"


def path(store: str) -> str | None:
    """The path of the socket; None for users other than root."""
    return f"{FOLDER}/{store}" if os.geteuid() == 0 else None


def address(store: str) -> str:
    """The value of NOTIFY_SOCKET for a program that is about to start."""
    place = path(store)
    return place if place is not None and os.path.lexists(place) else old_address(store)


def make_folder() -> None:
    """To be passed through by everybody, written to and listed by root alone. OSError."""
    for folder in (os.path.dirname(FOLDER), FOLDER):
        try:
            os.mkdir(folder, 0o711)
            os.chmod(folder, 0o711)  # whatever our umask is
        except FileExistsError:
            found = os.lstat(folder)
            writable = found.st_mode & 0o022 or found.st_uid != os.geteuid()
            if writable or not stat.S_ISDIR(found.st_mode):
                raise PermissionError(1, "other users can write there; remove it", folder) from None
