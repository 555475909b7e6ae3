"""Reading ``/proc/PID``: fast, and calm about processes that vanish while being read.

None means that there is nothing to be learned: the process is gone, or it is not ours to look
at. Every function takes the directory where procfs is mounted, for tests and for containers.

Every read is bounded: a process says itself how large its environment and its arguments are
(``PR_SET_MM_MAP``, prctl(2)), 2 GiB if it likes. ``environ`` and ``cmdline`` are its memory, so to
read them can also take forever: see ``environs``. Everything else is the kernel's own.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from typing import NamedTuple

from reconciler.model.host.procstat import ProcStat, parse_stat

PROC = "/proc"
BLOCK = 1 << 16
"""Bytes that one read(2) asks for: more than nearly every environment has."""
_OWN_ERRORS = {errno.EMFILE, errno.ENFILE, errno.ENOMEM}


def pids(proc: str = PROC) -> list[int]:
    """Every process of the host."""
    return [int(name) for name in os.listdir(proc) if name.isdecimal()]


def children(pid: int, proc: str = PROC) -> list[int]:
    """The children of a process; every process where the kernel keeps no list of them."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"{proc}/{pid}/task"):
            with open(f"{proc}/{pid}/task/{thread}/children", "rb") as file:
                found += map(int, file.read().split())
    except OSError as error:
        _raise_own_error(error)
        return pids(proc)
    return found


def family(pid: int, proc: str = PROC) -> list[int]:
    """A process and all that it forked, as far as their parents are still there."""
    found, known = [pid], {pid}
    for parent in found:  # grows as it is walked
        for child in children(parent, proc):
            seen = None if child in known else stat(child, proc)
            if seen is not None and seen.ppid == parent:
                known.add(child)
                found.append(child)
    return found


def last_pid(proc: str = PROC) -> int | None:
    """The pid (or thread id) that was given out last: the fifth field of ``loadavg``, proc(5)."""
    line = _read(f"{proc}/loadavg", 256)
    try:
        return int(line.split()[4]) if line else None
    except (ValueError, IndexError):
        return None


def stat(pid: int, proc: str = PROC) -> ProcStat | None:
    """``/proc/PID/stat``; also of a zombie, and of a thread where ``pid`` is a thread's."""
    return parsed(stat_line(pid, proc))


def stat_line(pid: int, proc: str = PROC) -> bytes:
    """``/proc/PID/stat`` as it is; empty where the process is gone."""
    return _read(f"{proc}/{pid}/stat", 4096) or b""


def parsed(line: bytes) -> ProcStat | None:
    """What a line of ``stat_line`` says; None of an empty one."""
    try:
        return parse_stat(line) if line else None
    except ValueError:
        return None


def stat_fields(pid: int, proc: str = PROC) -> list[bytes]:
    """The fields of the stat line from the third (state) on: field n of proc(5) is [n - 3]."""
    line = stat_line(pid, proc)
    return line.rpartition(b")")[2].split()


def is_dead(found: ProcStat, proc: str = PROC) -> bool:
    """A zombie is dead, unless other threads live on after the first one has ended."""
    if found.state not in ("Z", "X", "x"):
        return False
    try:
        return len(os.listdir(f"{proc}/{found.pid}/task")) < 2
    except OSError:
        return True


def is_there(pid: int, proc: str = PROC) -> bool:
    """Whether a process or a thread has this number: a tenth of what it takes to open its files."""
    if proc != PROC:
        return os.path.lexists(f"{proc}/{pid}")
    try:
        os.getpgid(pid)
    except OSError as error:  # a security module may keep its group from us
        return error.errno != errno.ESRCH
    return True


def is_thread(pid: int, proc: str = PROC) -> bool:
    """Whether ``pid`` is a thread's id: procfs opens those too, though it does not list them."""
    status = _read(f"{proc}/{pid}/status", 4096) or b""
    _, found, rest = status.partition(b"\nTgid:")
    return bool(found) and int(rest.split(None, 1)[0]) != pid


def real_uid(pid: int, proc: str = PROC) -> int | None:
    """The user who started it, whatever user it acts as now: ``Uid`` of ``/proc/PID/status``."""
    status = _read(f"{proc}/{pid}/status", 4096) or b""
    _, found, rest = status.partition(b"\nUid:")
    return int(rest.split(None, 1)[0]) if found else None


class Areas(NamedTuple):
    """What the kernel knows of a process's memory without a look into it."""

    starting: bool
    """In the middle of an exec: its arguments and environment are yet to come. The kernel tells
    where its code begins only after they are in place, and no process can undo that."""
    environment: int
    """Bytes."""


def areas(pid: int, proc: str = PROC) -> Areas | None:
    """None where it may not be known, or there is no memory: a kernel thread, a dead process."""
    fields = stat_fields(pid, proc)
    if len(fields) < 49 or fields[20] == b"0" or fields[23] == b"1":
        return None
    return Areas(fields[23] == b"0", max(0, int(fields[48]) - int(fields[47])))


def environment(pid: int, most: int, proc: str = PROC) -> bytes:
    """At most ``most`` bytes of its environment, as they stand in its memory now."""
    return head(f"{proc}/{pid}/environ", most)


def arguments(pid: int, most: int, proc: str = PROC) -> bytes:
    """At most ``most`` bytes of its command line, as they stand in its memory now."""
    return head(f"{proc}/{pid}/cmdline", most)


def values(block: bytes, name: bytes) -> Iterator[bytes]:
    """The values of a variable in an environment.

    Several where it is there more than once; getenv(3) gives the first. ``name`` ends in "=",
    and may go on with the beginning of the value; what is given is what comes after it.
    """
    at = block.find(name)
    while at >= 0:
        # Only a whole variable counts: BROKEN_RECON_ID=… holds the same letters.
        if at == 0 or block[at - 1] == 0:
            end = block.find(b"\0", at)
            yield block[at + len(name) : end if end >= 0 else len(block)]
        at = block.find(name, at + 1)


def link(pid: int, name: str, proc: str = PROC) -> str | None:
    """Where a link such as ``exe`` or ``fd/1`` leads; a removed file's ends in " (deleted)"."""
    try:
        return os.readlink(f"{proc}/{pid}/{name}")
    except OSError as error:
        _raise_own_error(error)
        return None


def pss(pid: int, proc: str = PROC) -> int | None:
    """Bytes of memory, what is shared with others divided among them; None: it may not be known."""
    text = _read(f"{proc}/{pid}/smaps_rollup", 4096) or b""
    _, found, rest = text.partition(b"\nPss:")
    return int(rest.split(None, 1)[0]) * 1024 if found else None


class Weight(NamedTuple):
    """What one process takes of the host."""

    private: int
    """Resident pages that it shares with no other: one more of its kind takes as many."""
    threads: int


def weight(pid: int, proc: str = PROC) -> Weight | None:
    """None where it is gone. From ``statm`` and ``stat``, proc(5): costs less than PSS."""
    pages = (_read(f"{proc}/{pid}/statm", 256) or b"").split()
    fields = stat_fields(pid, proc)
    if len(pages) < 3 or len(fields) < 18:
        return None
    return Weight(max(0, int(pages[1]) - int(pages[2])), int(fields[17]))


def open_file(pid: int, name: str, proc: str = PROC) -> int | None:
    """A descriptor of ``/proc/PID/name``, to be read again and again; None: it is gone."""
    try:
        return os.open(f"{proc}/{pid}/{name}", os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        _raise_own_error(error)
        return None


def lines(pid: int, name: str, proc: str = PROC) -> list[str]:
    """A small text file of a process, such as ``limits``; empty where there is nothing to learn."""
    text = _read(f"{proc}/{pid}/{name}", BLOCK) or b""
    return text.decode(errors="replace").splitlines()


def write(path: str, text: str) -> None:
    """Write a file of the kernel's (procfs, cgroup), at once. OSError."""
    fd = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(fd, text.encode())
    finally:
        os.close(fd)


def cgroup(pid: int, proc: str = PROC) -> str | None:
    """The path of its cgroup in the v2 hierarchy, as seen from our cgroup namespace."""
    found = (line[3:] for line in lines(pid, "cgroup", proc) if line.startswith("0::"))
    return next(found, None)


def _read(path: str, size: int) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        _raise_own_error(error)
        return None
    try:
        return os.read(fd, size)
    except OSError as error:  # ESRCH: it ended between open and read
        _raise_own_error(error)
        return None
    finally:
        os.close(fd)


def head(path: str, most: int) -> bytes:
    """All of a file of the kernel's, or its first ``most`` bytes. Not of a table: see ``table``."""
    return _read_all(path, most, paged=False)


def table(path: str, most: int) -> list[bytes]:
    """The rows of a table of the kernel's (``net/tcp``), as far as ``most`` bytes have them whole.

    One read(2) gives a page of it, however much it asks for: only an empty one is its end. Rows
    that come and go meanwhile may be left out, or be there twice.
    """
    return _read_all(path, most, paged=True).splitlines()


def _read_all(path: str, most: int, *, paged: bool) -> bytes:
    """Unless it is ``paged``, a read(2) that gives less than it asked for has given the rest."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        _raise_own_error(error)
        return b""
    try:
        block = os.read(fd, min(BLOCK, most))
        if not paged and len(block) < BLOCK:
            return block
        whole = bytearray(block)
        while block and len(whole) < most:
            block = os.read(fd, min(BLOCK, most - len(whole)))
            whole += block
        return bytes(whole)
    except OSError as error:
        _raise_own_error(error)
        return b""
    finally:
        os.close(fd)


def _raise_own_error(error: OSError) -> None:
    """Our own trouble must never look like a process that is gone: a second copy would start."""
    if error.errno in _OWN_ERRORS:
        raise error
