"""FIFOs between the programs and the controller, one for each stream of each process.

The program holds its FIFO open for reading *and* writing. So while no controller lives it gets
neither SIGPIPE nor an error: what it writes waits in the kernel for the next controller, up to
the capacity, and only then does the program wait too. The controller's end is opened in the
same way, and therefore never sees an end of file; that a process is gone is told by its pidfd,
never by its output.
"""

from __future__ import annotations

import fcntl
import os
import select
import stat
import termios
from collections.abc import Sequence
from pathlib import Path

from reconciler.model.host.fifo import STREAMS, FifoName, Stream
from reconciler.model.state.observed import Tag

CAPACITY = 2**20
"""Wanted of a FIFO, in bytes: what an ordinary user may have at most (``pipe-max-size``)."""
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SOFT_LIMIT = Path("/proc/sys/fs/pipe-user-pages-soft")
_ENDS = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC


def name_of(tag: Tag, stream: Stream) -> FifoName:
    """The name of one stream's FIFO (``model.host.fifo``)."""
    return FifoName(tag.app, tag.instance, tag.hash, tag.nonce, stream)


def home(folders: Sequence[Path]) -> Path:
    """The first of these folders that is ours alone, or can be made so; else the last.

    Looked at for each new FIFO: a folder in memory may be cleared away by hand, and made again by
    another user.
    """
    return next(filter(_is_own, folders[:-1]), folders[-1])


def _is_own(folder: Path) -> bool:
    try:
        try:
            status = os.lstat(folder)
        except FileNotFoundError:
            os.mkdir(folder, 0o700)
            status = os.lstat(folder)
    except OSError:
        return False
    owned = status.st_uid == os.geteuid() and not status.st_mode & 0o022
    return owned and stat.S_ISDIR(status.st_mode)


def place(name: FifoName, folders: Sequence[Path]) -> Path:
    """Where a FIFO lies; the last of the folders where it lies in none."""
    return Path(path_of(name, folders))


def path_of(name: FifoName, folders: Sequence[Path]) -> str:
    """The same as a text: a Path for each is a twentieth of what it takes to take over an app."""
    paths = [f"{folder}/{name}" for folder in folders]
    return next(filter(os.path.lexists, paths), paths[-1])


def create(path: str | Path, uid: int | None = None, gid: int | None = None) -> int:
    """Make the FIFO and return the program's end: blocking, O_RDWR, close-on-exec.

    It is owned by the program's user, so that reopening ``/dev/stdout`` works. OSError where
    the directory is full or not writable; nothing is left behind then.
    """
    try:
        os.mkfifo(path, 0o600)
    except FileNotFoundError:
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.mkfifo(path, 0o600)
    try:
        if uid is not None or gid is not None:
            os.chown(path, -1 if uid is None else uid, -1 if gid is None else gid)
        return os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        Path(path).unlink(missing_ok=True)
        raise


def open_reader(path: str | Path, pid: int | None = None) -> int:
    """The controller's end of a FIFO: non-blocking.

    Where the path is gone (the state directory was removed) it is reached through the
    process ``pid`` that holds it. FileNotFoundError where neither leads to it.
    """
    try:
        return os.open(path, _ENDS)
    except FileNotFoundError:
        held = None if pid is None else _held_by(pid, os.path.basename(path))
        if held is None:
            raise
        return os.open(held, _ENDS)


def _held_by(pid: int, name: str) -> str | None:
    """The link in /proc through which ``pid`` holds the removed FIFO of this name."""
    parsed = FifoName.parse(name)
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = link.readlink()
            if FifoName.parse(target.name) == parsed and stat.S_ISFIFO(link.stat().st_mode):
                return str(link)
        except OSError:  # closed meanwhile
            continue
    return None


def open_end(path: Path) -> int:
    """An end that keeps a FIFO, and counts as none that writes to it (``is_written``)."""
    return os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)


def is_written(path: Path) -> bool:
    """Whether any process has the FIFO open for writing."""
    reader = open_end(path)
    try:
        # An end reads as closed only where a writer has come and gone since it was opened.
        os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC))
        poll = select.poll()
        poll.register(reader, 0)
        return not any(event & select.POLLHUP for _, event in poll.poll(0))
    finally:
        os.close(reader)


def waiting(fd: int) -> int:
    """Bytes in the FIFO."""
    count = fcntl.ioctl(fd, termios.FIONREAD, b"\0\0\0\0")
    return int.from_bytes(count, "little")


def capacity(fd: int) -> int:
    """Bytes that fit into the FIFO."""
    return fcntl.fcntl(fd, fcntl.F_GETPIPE_SZ)


class Budget:
    """Grows FIFOs towards 1 MiB without eating up what the user may have in pipes.

    An ordinary user has 64 MiB in all (``pipe-user-pages-soft``); above that the kernel gives
    every new pipe of any of the user's programs a mere 8 KiB. So at most half is taken, each
    FIFO a quarter of what then remains. Root has no limit.
    """

    def __init__(self) -> None:
        self._left: int | None = None if os.geteuid() == 0 else _soft_limit() // 2

    def grow(self, fd: int) -> None:
        """Enlarge one FIFO as far as the budget goes; the kernel's refusal is not an error."""
        size = CAPACITY
        if self._left is not None:
            share = min(self._left // 4, CAPACITY)
            size = 1 << share.bit_length() - 1 if share else 0
        if size > capacity(fd):
            try:
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, size)
            except OSError:  # over the user's limit: what it has must do
                pass
        self.count(fd)

    def count(self, fd: int) -> None:
        """A FIFO that is open."""
        if self._left is not None:
            self._left = max(0, self._left - capacity(fd))

    def release(self, fd: int) -> None:
        """A FIFO that will be closed."""
        if self._left is not None:
            self._left += capacity(fd)


def _soft_limit() -> int:
    """Bytes; 0 where it cannot be read."""
    try:
        pages = int(_SOFT_LIMIT.read_text())
    except (OSError, ValueError):
        return 0
    return pages * _PAGE if pages else 2**40  # 0 means no limit


def names(folders: Sequence[Path]) -> set[str]:
    """The names of all FIFOs in the folders, also of those that left only companions."""
    found = set()
    for entry in (one for folder in folders if folder.is_dir() for one in folder.iterdir()):
        name = entry.name.removesuffix(".carry").removesuffix(".spool")
        if FifoName.parse(name) is not None:
            found.add(name)
    return found


__all__ = ["CAPACITY", "STREAMS", "Budget", "capacity", "create", "home", "is_written", "name_of"]
__all__ += ["names", "open_end", "open_reader", "path_of", "place", "waiting"]
