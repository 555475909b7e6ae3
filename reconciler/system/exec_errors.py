"""Why a program could not be started: the kernel's errno becomes a sentence with a next step.

ENOENT alone may mean a missing program, a missing interpreter in a script's first line, or a
missing dynamic loader; looking at the file tells which. The stub looks itself, as the app's user
and with its view of the file system: a file that makes its reader wait makes only the stub wait.
Light to import: each stub has it (``stub``).
"""

from __future__ import annotations

import errno
import os
import stat

from reconciler.system.files.regular import read_head

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Why = tuple[str, str]
    """A message, and a remedy, which may be empty."""

SETUP, MOUNTS, CAPABILITIES, IDENTITY, DIRECTORY, EXEC = range(6)
"""What a stub was at when it failed, in this order."""
_HOST = {
    errno.EAGAIN: (
        "the host, or the user's limit, allows no more processes now (ulimit -u, "
        "kernel.pid_max, the cgroup's pids.max)",
        "",
    ),
    errno.ENOMEM: ("the host is out of memory", ""),
    errno.EMFILE: ("recon has as many files open as it may", "raise its hard limit (ulimit -Hn)"),
    errno.ENFILE: ("the host has as many files open as it may", "raise fs.file-max"),
    errno.ENOSPC: ("no space is left on the device", ""),
}
_OTHER = {
    errno.ETXTBSY: ("the file is being written", "recon tries again soon"),
    errno.E2BIG: ("its arguments and environment are larger than Linux allows", "shorten them"),
}

_NAME = "name a program"
_KINDS = (
    (stat.S_ISDIR, ("directory", "name the program in it")),
    (stat.S_ISFIFO, ("FIFO", _NAME)),
    (stat.S_ISSOCK, ("socket", _NAME)),
    (stat.S_ISCHR, ("device", _NAME)),
    (stat.S_ISBLK, ("device", _NAME)),
)


class SpawnError(Exception):
    """A program could not be started, and what to do; its text is ``<message>; <remedy>``.

    ``transient``: the host's or recon's own trouble, to be tried again on the controller's own
    ladder (``retry``). Otherwise it counts as the app's crash, with the app's backoff.
    """

    def __init__(self, message: str, transient: bool, remedy: str = "") -> None:
        super().__init__(f"{message}; {remedy}" if remedy else message)
        self.message, self.remedy, self.transient = message, remedy, transient


def why(
    stage: int, error: OSError, command: Sequence[str], cwd: str, environment: Mapping[str, str]
) -> Why:
    """What ``error`` means, met by a start of ``command`` in ``cwd``, and what to do."""
    message, remedy = _cause(stage, error, command[0], cwd, environment)
    return f"cannot start {printable(command[0])}: {printable(message)}", printable(remedy)


def _cause(
    stage: int, error: OSError, program: str, cwd: str, environment: Mapping[str, str]
) -> Why:
    if error.errno in _HOST:
        return _HOST[error.errno]
    if stage == IDENTITY:
        return (
            "recon cannot switch to its user and group, although it runs as root (a container or "
            "user namespace may forbid it)",
            "allow it, or remove `user`",
        )
    if stage == DIRECTORY:
        return _cwd_trouble(error, cwd)
    if stage != EXEC:
        return os.strerror(error.errno or 0), ""
    found = find(program, cwd, environment)
    if found is None:
        return _not_found(program, cwd, environment)
    return _file_trouble(error, found)


def printable(text: str) -> str:
    """The text, with escapes for what is not text (names are bytes) and for what terminals obey."""
    text = os.fsencode(text).decode("utf-8", "backslashreplace")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def find(program: str, cwd: str, environment: Mapping[str, str]) -> str | None:
    """The file that ``program`` means, looked for as the child does; executables first."""
    paths = [_joined(cwd, path) for path in candidates(program, environment)]
    there = [path for path in paths if _mode(path) is not None]
    runnable = (path for path in there if stat.S_ISREG(_mode(path) or 0) and _executable(path))
    return next(runnable, there[0] if there else None)


def candidates(program: str, environment: Mapping[str, str]) -> list[str]:
    """Where to look for a program, relative to its directory, as execvp(3)."""
    if "/" in program:
        return [program]
    folders = environment.get("PATH", os.defpath).split(":")
    return [os.path.join(folder, program) for folder in folders]


def _joined(folder: str, path: str) -> str:
    """The path as people would write it; ".." stays, since what is before it may be a link."""
    parts = [part for part in path.split("/") if part != "."]
    return os.path.join(folder, "/".join(parts)) if parts else folder


def _mode(path: str) -> int | None:
    try:
        return os.stat(path).st_mode
    except (OSError, ValueError):
        return None


def _executable(path: str) -> bool:
    return bool((_mode(path) or 0) & 0o111)


def _cwd_trouble(error: OSError, cwd: str) -> Why:
    if error.errno == errno.ENOENT:
        return f"its working directory {cwd} does not exist", "create it or correct `cwd`"
    if error.errno == errno.ENOTDIR:
        return f"its working directory {cwd} is not a directory", "correct `cwd`"
    if error.errno in (errno.EACCES, errno.EPERM):
        return (
            f"its user may not enter the working directory {cwd}",
            "give it search permission (chmod +x) on it and all directories above",
        )
    return f"its working directory {cwd} cannot be entered: {os.strerror(error.errno or 0)}", ""


def _not_found(program: str, cwd: str, environment: Mapping[str, str]) -> Why:
    if "/" in program:
        path = _joined(cwd, program)
        if os.path.islink(path):
            return f"{path} is a link to {os.readlink(path)}, which does not exist", "correct it"
        return f"there is no file {path}", "build or install it, or correct `command`"
    path_list = environment.get("PATH", os.defpath)
    return f"no such program in PATH ({path_list})", "install it, or write its path in `command`"


def _file_trouble(error: OSError, path: str) -> Why:
    kind, remedy = _kind(path)
    if kind:
        return f"{path} is a {kind}", remedy
    head = _head(path)
    if error.errno == errno.ENOENT:
        return _missing_interpreter(path, head)
    if error.errno in (errno.EACCES, errno.EPERM):
        return _forbidden(path, head)
    if error.errno == errno.ENOEXEC:
        return _wrong_format(path, head)
    message, remedy = _OTHER.get(error.errno or 0) or (os.strerror(error.errno or 0), "")
    return f"{path}: {message}", remedy


def _kind(path: str) -> Why:
    """What a file is that is not a program, and what to do; empty where it is a regular file, or
    none at all."""
    mode = _mode(path) or stat.S_IFREG
    return next((kind for is_it, kind in _KINDS if is_it(mode)), ("", ""))


def _head(path: str) -> bytes:
    """The first line of the file, as far as the kernel reads it."""
    try:
        return read_head(path, 256).partition(b"\n")[0]
    except OSError:
        return b""


def _interpreter(head: bytes) -> str:
    """The program that a ``#!`` line names; empty where there is none."""
    words = head[2:].strip(b" \t").split(None if head.endswith(b"\r") else b" ", 1)
    return os.fsdecode(words[0]) if head.startswith(b"#!") and words else ""


def _missing_interpreter(path: str, head: bytes) -> Why:
    interpreter = _interpreter(head)
    if not interpreter:
        return (
            f"{path} needs a dynamic loader that is not on this host",
            "it was built for another system or C library (`ldd` shows it)",
        )
    if head.endswith(b"\r"):
        return (
            f"the first line of {path} ends in a carriage return, so {interpreter} is not found",
            "save it with Unix line endings",
        )
    return (
        f"{path} is a script for {interpreter} (its #! line), which does not exist",
        "install it or correct that line",
    )


def _forbidden(path: str, head: bytes) -> Why:
    if not _executable(path):
        return f"{path} is not executable", f"run chmod +x {path}"
    interpreter = _interpreter(head)
    kind, remedy = _kind(interpreter) if interpreter else ("", "")
    script = f"{path} is a script for {interpreter} (its #! line)"
    if kind:
        return f"{script}, which is a {kind}", remedy
    if interpreter and not _executable(interpreter):
        return f"{script}, which is not executable", ""
    return (
        f"its user may not execute {path}",
        "check the permissions of it and of all directories above, and that its file system is "
        "not mounted noexec",
    )


def _wrong_format(path: str, head: bytes) -> Why:
    if head.startswith(b"\x7fELF"):
        return (
            f"{path} was built for another processor type than this host's ({os.uname().machine})",
            "",
        )
    if not head:
        return f"{path} is empty", "build or install it again"
    return (
        f"{path} is neither a binary nor a script with a #! line",
        "add one, or name the interpreter in `command`",
    )
