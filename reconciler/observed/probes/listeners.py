"""Who listens where: the kernel's tables of sockets, and the descriptors that hold them.

Read when a socket is to be bound or fetched back, and when one is in the way; never in between.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from collections.abc import Callable, Container, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from reconciler.model.words.address import Address
from reconciler.system import procfs
from reconciler.system.work.aside import Aside

_ASIDE = Aside()
_MOST_BYTES = 16 << 20
"""Bytes of a table of sockets: some 100,000 of them."""
_MOST_DESCRIPTORS = 100_000
"""Descriptors that are looked at for one answer."""
_LISTEN = b"0A"
_ACCEPTS = b"00010000"
"""SO_ACCEPTCON, the flag of a unix socket that listens."""


class Holder(NamedTuple):
    """A process that has a socket open, and by which number."""

    pid: int
    fd: int


def listening(address: Address, proc: str = procfs.PROC) -> dict[int, Address]:
    """The listening sockets that are in the way of ``address``: inode → where it listens."""
    return {inode: at for inode, at in _sockets(address, proc) if at.overlaps(address)}


def holders(inodes: Iterable[int], pids: Iterable[int], proc: str = procfs.PROC) -> list[Holder]:
    """Which of these processes have one of these sockets open, as far as we may look."""
    wanted = {f"socket:[{inode}]" for inode in inodes}
    found = []
    for pid, name in islice(_descriptors(pids, proc), _MOST_DESCRIPTORS):
        try:
            if os.readlink(f"{proc}/{pid}/fd/{name}") in wanted:
                found.append(Holder(pid, int(name)))
        except OSError:
            continue  # closed since
    return found


def ports_of(pids: Iterable[int], proc: str = procfs.PROC) -> frozenset[int]:
    """The TCP ports that these processes listen on, as far as we may look."""
    open_here: set[str] = set()
    for pid in pids:
        try:
            for name in os.listdir(f"{proc}/{pid}/fd"):
                open_here.add(os.readlink(f"{proc}/{pid}/fd/{name}"))
        except OSError:
            continue  # gone, or not ours to look at
    found = set()
    for table in ("tcp", "tcp6"):
        for line in _lines(f"{proc}/net/{table}"):
            fields = line.split()
            if fields[3] == _LISTEN and f"socket:[{fields[9].decode()}]" in open_here:
                found.add(int(fields[1].rpartition(b":")[2], 16))
    return frozenset(found)


def stranger(
    address: Address, own: Container[int], pids: Iterable[int], proc: str = procfs.PROC
) -> str | None:
    """Who is in the way of ``address``, as a phrase; None where no process is.

    ``ours`` are inodes of sockets of our own, ``pids`` processes of ours that may have others.
    """
    pids = list(pids)
    inodes = [inode for inode in listening(address, proc) if inode not in own]
    strange = [inode for inode in inodes if not holders([inode], pids, proc)]
    return describe(strange, proc) if strange else None


def describe(
    inodes: Iterable[int], proc: str = procfs.PROC, user_of: Callable[[int], str] | None = None
) -> str:
    """Who holds these sockets, for a sentence: ``pid 812 (nginx: master process)``.

    With ``user_of`` (a uid's name) also as which user: ``pid 812 (nginx, user www-data)``, and of
    one that we may not look at that much at least.
    """
    inodes = [*inodes]
    pids = sorted({holder.pid for holder in holders(inodes, procfs.pids(proc), proc)})
    if not pids:
        uids = _uids(inodes, proc) if user_of is not None else set()
        users = ", ".join(user_of(uid) for uid in sorted(uids)) if user_of is not None else ""
        return f"a process of user {users}" if users else "a process of another user"
    commands = _ASIDE.each(lambda pid: _command(pid, proc), pids[:2])
    known = {pid: commands.get(pid, "…") + _as_user(pid, proc, user_of) for pid in pids[:2]}
    text = ", ".join(f"pid {pid} ({about})" for pid, about in known.items())
    return text + (f" and {len(pids) - 2} more" if len(pids) > 2 else "")


def _as_user(pid: int, proc: str, user_of: Callable[[int], str] | None) -> str:
    uid = procfs.real_uid(pid, proc) if user_of is not None else None
    return f", user {user_of(uid)}" if user_of is not None and uid is not None else ""


def _uids(inodes: Iterable[int], proc: str) -> set[int]:
    """Whose these TCP sockets are: the kernel tells that to everybody."""
    wanted = {str(inode).encode() for inode in inodes}
    rows = (line.split() for table in ("tcp", "tcp6") for line in _lines(f"{proc}/net/{table}"))
    return {int(fields[7]) for fields in rows if fields[9] in wanted}


def _command(pid: int, proc: str) -> str:
    text = procfs.arguments(pid, 4096, proc).decode("latin-1")
    if not text:
        return "gone"
    program, *words = text.split("\0")
    line = " ".join([program.rpartition("/")[2] if words[1:] else program, *words]).strip()
    shown = "".join(character if character.isprintable() else "?" for character in line)
    return shown if len(shown) <= 40 else shown[:39] + "…"


def _descriptors(pids: Iterable[int], proc: str) -> Iterator[tuple[int, str]]:
    """(pid, name) of each descriptor that we may see."""
    for pid in pids:
        try:
            with os.scandir(f"{proc}/{pid}/fd") as entries:
                for entry in entries:
                    yield pid, entry.name
        except OSError:
            continue  # gone, or not ours to look at


def _sockets(address: Address, proc: str) -> Iterator[tuple[int, Address]]:
    if address.path:
        yield from _unix(address.path, proc)
        return
    for table in ("tcp", "tcp6"):
        for line in _lines(f"{proc}/net/{table}"):
            fields = line.split()
            host, _, port = fields[1].decode().partition(":")
            if fields[3] == _LISTEN and int(port, 16) == address.port:
                yield int(fields[9]), Address(_ip(host), address.port)


def _unix(path: str, proc: str) -> Iterator[tuple[int, Address]]:
    for line in _lines(f"{proc}/net/unix"):
        fields = line.split(None, 7)
        if len(fields) == 8 and fields[3] == _ACCEPTS and os.fsdecode(fields[7].strip()) == path:
            yield int(fields[6]), Address(path=path)


def _lines(table: str) -> list[bytes]:
    """Of a table of the kernel's, its first ``_MOST_BYTES``: any user can make it long."""
    return procfs.table(table, _MOST_BYTES)[1:]


def _ip(text: str) -> str:
    """The kernel writes 32-bit words, each in the byte order of the machine."""
    raw = bytes.fromhex(text)
    step = -1 if sys.byteorder == "little" else 1
    words = [raw[at : at + 4][::step] for at in range(0, len(raw), 4)]
    return str(ipaddress.ip_address(b"".join(words)))
