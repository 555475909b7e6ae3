"""The lines of ``/proc/PID/mountinfo``, parsed: proc_pid_mountinfo(5).

The kernel makes the text up as it is read, so that reading it waits for no disk.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

PATH = "/proc/self/mountinfo"
_OCTAL = re.compile(rb"\\([0-7]{3})")
"""How blanks, tabs, line ends and backslashes are written."""
_FIELDS = 6
_LOCAL = {
    *("ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "overlay", "f2fs", "zfs"),
    *("squashfs", "erofs", "ramfs"),
    *("devtmpfs", "proc", "sysfs"),  # the kernel's own: /dev/shm is below the first
}
_MOST_LINKS = 40
"""As many as the kernel follows."""


class Mount(NamedTuple):
    """One mount, as it is seen from here."""

    number: int
    """Unique on this host as long as it is mounted."""
    root: str
    """What of the file system is mounted."""
    point: str
    """Where."""
    options: tuple[str, ...]
    """Of this mount."""
    kind: str
    """Of the file system: ``ext4``, ``nfs4``."""
    super_options: tuple[str, ...]
    """Of the file system."""

    @property
    def is_local(self) -> bool:
        """It answers from this host's own disks: where one path hangs, others do not."""
        return self.point == "/" or self.kind in _LOCAL


def mounts(text: bytes) -> Iterator[Mount]:
    """All mounts in the text, the lowest first."""
    for line in text.splitlines():
        before, _, after = line.partition(b" - ")
        words, rest = before.split(b" "), after.split(b" ")
        if len(words) >= _FIELDS and len(rest) > 2:
            yield Mount(
                int(words[0]),
                _path(words[3]),
                _path(words[4]),
                _options(words[5]),
                rest[0].decode(),
                _options(rest[2]),
            )


def holding(path: str, text: bytes) -> Mount | None:
    """The mount that holds ``path``, which is real: the deepest, of several the one on top."""
    return _deepest(path, mounts(text))


def apart(path: str, every: Sequence[Mount]) -> Mount | None:
    """The mount that ``path`` leads to, where that may not answer; else None.

    Links are followed as far as they lie on this host's own disks. Nothing else is touched.
    """
    left, at, links = path.split("/")[::-1], "/", 0
    while left:
        name = left.pop()
        if name in ("", "."):
            continue
        if name == "..":
            at = os.path.dirname(at)
            continue
        at = os.path.join(at, name)
        mount = _deepest(at, every)
        if mount is not None and not mount.is_local:
            return mount
        try:
            target = os.readlink(at)
        except OSError:  # no link
            continue
        links += 1
        if links > _MOST_LINKS:
            return None
        at = "/" if target.startswith("/") else os.path.dirname(at)
        left.extend(target.split("/")[::-1])
    return None


def _deepest(path: str, every: Iterable[Mount]) -> Mount | None:
    found: Mount | None = None
    for mount in every:
        leads = path == mount.point or path.startswith(mount.point.rstrip("/") + "/")
        if leads and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found


def _path(word: bytes) -> str:
    return os.fsdecode(_OCTAL.sub(lambda match: bytes([int(match[1], 8) & 0xFF]), word))


def _options(word: bytes) -> tuple[str, ...]:
    return tuple(os.fsdecode(word).split(","))
