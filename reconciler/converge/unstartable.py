"""Why a program could not be started: the kernel's errno becomes a sentence with a next step.

ENOENT alone may mean a missing program, a missing interpreter in a script's first line, or a
missing dynamic loader; looking at the file tells which. Only read when a start has failed.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path

_HOST = {
    errno.EAGAIN: "the host, or the user's limit, allows no more processes now (ulimit -u, "
    "kernel.pid_max, the cgroup's pids.max)",
    errno.ENOMEM: "the host is out of memory",
    errno.EMFILE: "recon has as many files open as it may; raise its hard limit (ulimit -Hn)",
    errno.ENFILE: "the host has as many files open as it may; raise fs.file-max",
    errno.ENOSPC: "no space is left on the device",
}
_OTHER = {
    errno.ETXTBSY: "the file is being written; recon tries again soon",
    errno.E2BIG: "its arguments and environment are larger than Linux allows; shorten them",
}


class SpawnError(Exception):
    """A program could not be started: a sentence that says what to do.

    ``transient``: the host's or recon's own trouble, to be tried again on the controller's own
    ladder (``retry``). Otherwise it counts as the app's crash, with the app's backoff.
    """

    def __init__(self, message: str, transient: bool) -> None:
        super().__init__(message)
        self.transient = transient


def why(error: OSError, command: Sequence[str], cwd: str, environment: Mapping[str, str]) -> str:
    """One sentence about ``error``, raised by a start of ``command`` in ``cwd``."""
    program = command[0]
    if error.errno in _HOST:
        return f"cannot start {program}: {_HOST[error.errno]}"
    if error.errno == errno.EPERM and error.filename in (cwd, None):
        return (
            f"cannot start {program}: recon may not take on its user and group here, though it is "
            "root (a container or user namespace may forbid it); allow it, or remove `user`"
        )
    # ``subprocess`` names the directory where chdir failed, which happens before exec.
    if error.filename == cwd and (trouble := _cwd_trouble(error, cwd)):
        return f"cannot start {program}: {trouble}"
    found = find(program, cwd, environment)
    if found is None:
        return f"cannot start {program}: {_not_found(program, cwd, environment)}"
    return f"cannot start {program}: {_file_trouble(error, found)}"


def find(program: str, cwd: str, environment: Mapping[str, str]) -> Path | None:
    """The file that ``program`` means, looked for as the child does; executables first."""
    if "/" in program:
        candidates = [Path(cwd, program)]
    else:
        candidates = [Path(cwd, folder, program) for folder in os.get_exec_path(environment)]
    there = [path for path in candidates if _mode(path) is not None]
    runnable = (path for path in there if stat.S_ISREG(_mode(path) or 0) and _executable(path))
    return next(runnable, there[0] if there else None)


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except (OSError, ValueError):
        return None


def _executable(path: Path) -> bool:
    return bool((_mode(path) or 0) & 0o111)


def _cwd_trouble(error: OSError, cwd: str) -> str | None:
    if error.errno == errno.ENOENT:
        return f"its working directory {cwd} does not exist; create it or correct `cwd`"
    if error.errno == errno.ENOTDIR:
        return f"its working directory {cwd} is not a directory; correct `cwd`"
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"its user may not enter the working directory {cwd}; give it search permission "
            "(chmod +x) on it and all directories above"
        )
    return f"its working directory {cwd} cannot be entered: {os.strerror(error.errno or 0)}"


def _not_found(program: str, cwd: str, environment: Mapping[str, str]) -> str:
    if "/" in program:
        path = Path(cwd, program)
        return f"there is no file {path}; build or install it, or correct `command`"
    path_list = environment.get("PATH", os.defpath)
    return f"no such program in PATH ({path_list}); install it, or write its path in `command`"


def _file_trouble(error: OSError, path: Path) -> str:
    head = _head(path)
    if stat.S_ISDIR(_mode(path) or 0):
        return f"{path} is a directory; name the program in it"
    if error.errno == errno.ENOENT:
        return _missing_interpreter(path, head)
    if error.errno in (errno.EACCES, errno.EPERM):
        return _forbidden(path, head)
    if error.errno == errno.ENOEXEC:
        return _wrong_format(path, head)
    text = _OTHER.get(error.errno or 0) or os.strerror(error.errno or 0)
    return f"{path}: {text}"


def _head(path: Path) -> bytes:
    """The first line of the file, as far as the kernel reads it."""
    try:
        with path.open("rb") as file:
            return file.read(256).partition(b"\n")[0]
    except OSError:
        return b""


def _interpreter(head: bytes) -> str:
    """The program that a ``#!`` line names; empty where there is none."""
    words = head[2:].strip(b" \t").split(None if head.endswith(b"\r") else b" ", 1)
    return os.fsdecode(words[0]) if head.startswith(b"#!") and words else ""


def _missing_interpreter(path: Path, head: bytes) -> str:
    interpreter = _interpreter(head)
    if not interpreter:
        return (
            f"{path} needs a dynamic loader that is not on this host; it was built for another "
            "system or C library (`ldd` shows it)"
        )
    if head.endswith(b"\r"):
        return (
            f"the first line of {path} ends in a carriage return, so {interpreter} is not "
            "found; save it with Unix line endings"
        )
    return (
        f"{path} is a script for {interpreter} (its #! line), which does not exist; install it "
        "or correct that line"
    )


def _forbidden(path: Path, head: bytes) -> str:
    if not _executable(path):
        return f"{path} is not executable; run chmod +x {path}"
    interpreter = _interpreter(head)
    if interpreter and not _executable(Path(interpreter)):
        return f"{path} is a script for {interpreter} (its #! line), which is not executable"
    return (
        f"its user may not execute {path}; check the permissions of it and of all directories "
        "above, and that its file system is not mounted noexec"
    )


def _wrong_format(path: Path, head: bytes) -> str:
    if head.startswith(b"\x7fELF"):
        return f"{path} was built for another machine than this ({os.uname().machine})"
    if not head:
        return f"{path} is empty; build or install it again"
    return (
        f"{path} is neither a binary nor a script with a #! line; add one, or name the "
        "interpreter in `command`"
    )
