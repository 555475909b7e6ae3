"""The core file that a process left: where core(5) says that the kernel puts it.

Of a name only the pid counts, since the other parts (time, host, thread) are the kernel's own; so a
pattern without it finds the newest file that is not older than the process. systemd-coredump, which
takes the dump through a pipe, has a folder of its own. It lists folders that users name: never on
the event loop.
"""

from __future__ import annotations

import os
import re
from fnmatch import fnmatchcase
from itertools import islice
from signal import Signals

from reconciler.system import procfs

SIGNALS = frozenset(
    signal.name
    for signal in (
        *(Signals.SIGQUIT, Signals.SIGILL, Signals.SIGTRAP, Signals.SIGABRT, Signals.SIGBUS),
        *(Signals.SIGFPE, Signals.SIGSEGV, Signals.SIGXCPU, Signals.SIGXFSZ, Signals.SIGSYS),
    )
)
"""Those whose default is to dump core (signal(7))."""
_SYSTEMD = "/var/lib/systemd/coredump"
_ENTRIES = 10_000
"""Of a folder that are looked at."""
_FIELD = re.compile(r"%(.)")
_PIDS = {"p", "P", "i", "I"}


def find(pid: int, cwd: str, since: float, proc: str = procfs.PROC) -> str:
    """The core file of a process that was started at ``since`` (wall seconds); empty where there is
    none."""
    try:
        pattern = _read(f"{proc}/sys/kernel/core_pattern")
        if pattern.startswith("|"):
            names = f"core.*.{pid}.*" if "systemd-coredump" in pattern else ""
            return _newest(_SYSTEMD, names, since) if names else ""
        folder, _, name = os.path.join(cwd, pattern).rpartition("/")
        glob = _glob(name, pid)
        if "%p" not in name and _read(f"{proc}/sys/kernel/core_uses_pid") == "1":
            glob += f".{pid}"
        return _newest(folder, glob, since) if "%" not in folder else ""
    except OSError:
        return ""


def _glob(name: str, pid: int) -> str:
    """A name of core_pattern as a pattern of fnmatch(3)."""
    parts = _FIELD.split(re.sub(r"[\[\]*?]", "?", name))
    fields = (str(pid) if f in _PIDS else "%" if f == "%" else "*" for f in parts[1::2])
    return parts[0] + "".join(f + text for f, text in zip(fields, parts[2::2], strict=True))


def _newest(folder: str, glob: str, since: float) -> str:
    with os.scandir(folder) as entries:
        found = [entry for entry in islice(entries, _ENTRIES) if fnmatchcase(entry.name, glob)]
    times = [(entry.stat(follow_symlinks=False).st_mtime, entry.path) for entry in found]
    recent = [one for one in times if one[0] >= since - 1]
    path = max(recent)[1] if recent else ""
    return path.encode(errors="backslashreplace").decode()  # it becomes part of an event


def _read(path: str) -> str:
    with open(path, encoding="utf-8", errors="surrogateescape") as file:
        return file.read(4096).strip()
