"""Each byte from a FIFO gets into its log exactly once, wherever the controller is killed.

``read()`` and then ``write()`` loses what was read when SIGKILL comes between. ``splice(2)``
from a FIFO to a file moves bytes in the kernel: at every instant each of them is in exactly one
of the two. So all output passes through one small file, the spool, chunk by chunk:

1. A header is written to the empty spool: which log, how long it is now, the time to put
   before each line. Before it went the *carry*: the start of a line whose end had not come yet.
2. ``splice`` moves bytes from the FIFO behind the carry.
3. Whole lines are appended to the log; the rest is saved as the next carry.
4. The spool is truncated: the chunk is done.

What step 3 writes follows from the spool alone (``lines.render``), and how much of it was written
from the length of the log. So the next one that finds a spool with something in it does what
remains of steps 3 and 4, and it makes no difference how often that is interrupted.

Why each step may be cut anywhere: the header is one page, complete or not there (a checksum
tells); before it is complete nothing has left the FIFO; the size of the spool says how much
``splice`` moved; appending resumes where it stopped; the carry's file is read only while the
spool is empty. Only the loss of the machine's memory (power) is not covered: then the programs
are gone too.
"""

from __future__ import annotations

import json
import os
import zlib
from dataclasses import asdict, dataclass, replace
from errno import ENAMETOOLONG
from pathlib import Path

from reconciler.logs.format.lines import NO_CARRY, Carry, Style, render

PAGE = 4096
MAX_CHUNK = 2**20
_FRESH_LINE, _MID_LINE = b"\n", b"+"


@dataclass(frozen=True, slots=True)
class Header:
    """What must be known to finish a chunk, besides its bytes."""

    log: str
    inode: int
    length: int
    """Of the log when the chunk began (or was resumed), bytes."""
    stamp: str
    """Goes before each line; empty for none (``lines.head``)."""
    carry_file: str
    carry: int = 0
    """Bytes of the carry at the head of the data."""
    midline: bool = False
    done: int = 0
    """Bytes of the rendered text that were in a log before ``length`` was taken."""
    style: Style = ""

    def page(self) -> bytes:
        """As written in the spool. OSError where the paths are too long for one page."""
        body = json.dumps(asdict(self), separators=(",", ":")).encode().ljust(PAGE - 9)
        page = b"%s%08x\n" % (body, zlib.crc32(body))
        if len(page) > PAGE:
            raise OSError(ENAMETOOLONG, os.strerror(ENAMETOOLONG), self.log)
        return page

    @classmethod
    def parse(cls, page: bytes) -> Header | None:
        """None where the page is not a whole header."""
        body, check = page[: PAGE - 9], page[PAGE - 9 :]
        if check != b"%08x\n" % zlib.crc32(body):
            return None
        return cls(**json.loads(body))


def keep_large_blocks() -> None:
    """Have the C library keep freed blocks of chunk size instead of returning each to the kernel.

    glibc maps every large block afresh, and the page faults cost more than all the rest of the
    work (0.18 s against 0.08 s of CPU per 500,000 lines), until one larger block was freed: then
    it keeps such blocks (mallopt(3), dynamic threshold). This one is never touched, so it costs
    no memory; under a flood some 5 MiB stay.
    """
    bytearray(8 * MAX_CHUNK)


class Spool:
    """The file that output passes through. Used for one chunk at a time."""

    __slots__ = ("_fd", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def take(self, fifo: int, header: Header, carry: bytes, limit: int) -> int:
        """Steps 1 and 2. Bytes moved; 0 where none wait. OSError: nothing has been moved."""
        try:
            if carry:
                _write_all(self._fd, carry, PAGE)
            os.pwrite(self._fd, header.page(), 0)
            return os.splice(
                fifo,
                self._fd,
                limit,
                offset_dst=PAGE + len(carry),
                flags=os.SPLICE_F_NONBLOCK,
            )
        except BlockingIOError:
            return 0
        except OSError:
            self.commit()
            raise

    def finish(self, header: Header, log: int) -> Carry:
        """Steps 3 and 4, or what remains of them. ``log`` is open for appending.

        OSError: the log ends with a whole line, and this may be called again.
        """
        text, carry = render(self.data(), header.stamp.encode(), header.midline, header.style)
        try:
            _append(log, text, _written(header, log))
            if carry or header.carry or header.midline:
                save_carry(header.carry_file, carry)
        except OSError:
            self._settle(header, log, text)
            raise
        self.commit()
        return carry

    def _settle(self, header: Header, log: int, text: bytes) -> None:
        """Take back the part of a line for which there was no room, and note how far we came.

        Others may write to the log before the rest can follow: its length says nothing then.
        """
        whole = max(header.done, text.rfind(b"\n", 0, _written(header, log)) + 1)
        end = header.length + whole - header.done
        if end < os.fstat(log).st_size:
            os.ftruncate(log, end)
        os.pwrite(self._fd, replace(header, inode=0, done=whole).page(), 0)

    def settle(self, header: Header, log: int) -> None:
        """Note how much of a chunk the log has, before others write to it. OSError."""
        text, _ = render(self.data(), header.stamp.encode(), header.midline, header.style)
        self._settle(header, log, text)

    def commit(self) -> None:
        """Step 4: the chunk is done (or never began)."""
        os.ftruncate(self._fd, 0)

    def pending(self) -> Header | None:
        """The chunk that was not finished, if there is one."""
        return Header.parse(os.pread(self._fd, PAGE, 0))

    def resume(self, header: Header, log: int) -> Carry:
        """Finish a chunk whose log may have been replaced or written to meanwhile."""
        info = os.fstat(log)
        header = replace(header, inode=info.st_ino, length=info.st_size, done=_written(header, log))
        os.pwrite(self._fd, header.page(), 0)
        return self.finish(header, log)

    def data(self) -> bytes:
        """The carry and what came behind it."""
        return os.pread(self._fd, os.fstat(self._fd).st_size - PAGE, PAGE)

    def end(self, count: int) -> bytes:
        """The last ``count`` bytes of the data."""
        return os.pread(self._fd, count, os.fstat(self._fd).st_size - count)

    def size(self) -> int:
        """Bytes of data held."""
        return max(0, os.fstat(self._fd).st_size - PAGE)

    def removed(self) -> bool:
        """Whether the file was unlinked: it works, but the next controller would not find it."""
        return os.fstat(self._fd).st_nlink == 0

    def set_aside(self, path: Path) -> None:
        """Keep the unfinished chunk under another name, so that others can use the spool."""
        self.path = self.path.rename(path)

    def close(self) -> None:
        os.close(self._fd)


def _written(header: Header, log: int) -> int:
    """How much of the rendered text is in a log already."""
    info = os.fstat(log)
    if info.st_ino != header.inode or info.st_size < header.length:
        return header.done  # replaced or emptied by a user, who removed what it had
    return header.done + info.st_size - header.length


def _append(log: int, text: bytes, done: int) -> None:
    if done:
        text = text[done:]
    while text:
        text = text[os.write(log, text) :]


def _write_all(fd: int, data: bytes, offset: int) -> None:
    while data:
        count = os.pwrite(fd, data, offset)
        data, offset = data[count:], offset + count


def save_carry(path: str, carry: Carry) -> None:
    """Keep a carry for the next controller. Overwrites: a torn one is made good by ``finish``."""
    text = (_MID_LINE if carry.midline else _FRESH_LINE) + carry.text
    flags = os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC
    try:
        fd = os.open(path, flags, 0o600)
    except FileNotFoundError:  # the state directory was removed
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(path, flags, 0o600)
    try:
        _write_all(fd, text, 0)
        os.ftruncate(fd, len(text))
    finally:
        os.close(fd)


def load_carry(path: str) -> Carry:
    """The carry kept by an earlier controller; an empty one where there is none."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return NO_CARRY
    with open(fd, "rb") as file:
        text = file.read()
    return Carry(text[1:], midline=text[:1] == _MID_LINE)
