"""Where programs of the matrix note each process that they are: a witness that recon never reads.

A line is `ROLE PID START VERSION`; START is the time of its start as in /proc/PID/stat, so that
another process with that pid is not taken for it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from e2e.harness import alive

PRELUDE = """
import os, signal, sys, time
LEDGER = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
VERSION = os.environb.get(b'VERSION', b'?')
def note(role):
    with open('/proc/self/stat', 'rb') as file:
        stat = file.read()
    pid, start = stat.split()[0], stat.rpartition(b')')[2].split()[19]
    os.write(LEDGER, b'%s %s %s %s\\n' % (role, pid, start, VERSION))
def rest():
    while True: time.sleep(1000)
def child(run):
    if os.fork() == 0:
        note(b'child')
        run()
        os._exit(0)
def libc(name, *arguments):
    import ctypes
    library = ctypes.CDLL(None, use_errno=True)
    if getattr(library, name)(*arguments) == -1:
        raise OSError(ctypes.get_errno(), name)
def count(pause, burst=1, to=1):
    import itertools, mmap
    with open(f'{sys.argv[1]}.{os.getpid()}', 'w+b') as file:
        file.truncate(8)
        written = mmap.mmap(file.fileno(), 8)
    for n in itertools.count(1):
        os.write(to, b'%d %d\\n' % (os.getpid(), n))
        written[:] = n.to_bytes(8, 'little')
        if n % burst == 0: time.sleep(pause)
"""


class Entry(NamedTuple):
    """One process of a kind, as it noted itself."""

    role: str
    pid: int
    start: str
    version: str

    def lives(self) -> bool:
        """Whether any thread of this very process runs."""
        try:
            stat = Path(f"/proc/{self.pid}/stat").read_bytes()
        except OSError:
            return False
        return stat.rpartition(b")")[2].split()[19] == self.start.encode() and alive(self.pid)


class Ledger:
    """All processes that one kind has been."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> list[Entry]:
        """In the order of their starts."""
        if not self.path.exists():
            return []
        rows = [line.split() for line in self.path.read_text().splitlines()]
        return [Entry(row[0], int(row[1]), row[2], row[3]) for row in rows if len(row) == 4]

    def alive(self, role: str = "") -> list[Entry]:
        """Those that run now, of one role or of all."""
        return [one for one in self.entries() if role in ("", one.role) and one.lives()]

    def written(self) -> dict[int, int]:
        """By pid, how many lines it has written for sure; one more may be on its way."""
        files = self.path.parent.glob(f"{self.path.name}.*")
        return {int(file.suffix[1:]): int.from_bytes(file.read_bytes(), "little") for file in files}
