"""The program under supervision, built for this run, and the FIFO by which it tells the time."""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import subprocess
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

_HERE = Path(__file__).parent
_ROOM = 2**20
_TICK = 0.01


class Program(NamedTuple):
    """The supervised program, and what it is (for the table's foot)."""

    path: Path
    told: str


class Stamp(NamedTuple):
    """A process's word that it runs: ``at`` in nanoseconds of CLOCK_MONOTONIC."""

    pid: int
    at: int


def build(home: Path) -> Program:
    """A static C program where there is a compiler, else one for the shell."""
    path = home / "program"
    compiler = shutil.which("cc")
    for more, told in ((["-static"], "static C"), ([], "C, dynamically linked")):
        if compiler is None:
            break
        command = [compiler, "-O2", *more, "-o", str(path), str(_HERE / "program.c")]
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            return Program(path, f"a {told} program")
    shutil.copy(_HERE / "program.sh", path)
    path.chmod(0o755)
    return Program(path, "a shell script, timed by its reader (no C compiler here)")


class Stamps:
    """Reads what the programs tell."""

    def __init__(self, path: Path) -> None:
        self.path = path
        os.mkfifo(path)
        # For writing as well: then it never ends, and no program waits for a reader.
        self._fd = os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        fcntl.fcntl(self._fd, fcntl.F_SETPIPE_SZ, _ROOM)
        self._ready: deque[Stamp] = deque()
        self._rest = b""

    def next(self, seconds: float = 30) -> Stamp:
        """The next stamp; TimeoutError where none comes."""
        deadline = time.monotonic() + seconds
        while not self._ready:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self._fd], [], [], left)[0]:
                raise TimeoutError(f"no program started within {seconds} s")
            self._read()
        return self._ready.popleft()

    def gather(self, count: int, seconds: float = 120) -> list[Stamp]:
        """So many stamps, read now and then only: the reader must take no core for itself."""
        deadline = time.monotonic() + seconds
        while len(self._ready) < count:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{len(self._ready)} of {count} programs started")
            time.sleep(_TICK)
            self._read()
        return [self._ready.popleft() for _ in range(count)]

    def drain(self) -> int:
        """Forget what was told; how many stamps that were."""
        self._read()
        count = len(self._ready)
        self._ready.clear()
        return count

    def close(self) -> None:
        os.close(self._fd)

    def _read(self) -> None:
        try:
            text = self._rest + os.read(self._fd, _ROOM)
        except BlockingIOError:
            return
        now = time.monotonic_ns()
        *lines, self._rest = text.split(b"\n")
        for line in lines:
            pid, _, at = line.partition(b" ")
            self._ready.append(Stamp(int(pid), int(at or now)))
