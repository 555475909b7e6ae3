"""The gate: a new process waits before its program's first instruction, until it is limited.

A shell stands between fork and program, as it does for sockets (``handover``), and waits for one
line on its standard input. The controller puts the limits in force on the shell's pid, by the same
code as on a process that has run for weeks (``limits``), and opens the gate; the shell becomes the
program, whose input is /dev/null then. Where the controller dies first, the shell reads the end of
its input and exits: the program has never run. Only programs with limits pay for it: some 0.6 ms.

Why a shell: what else waits between fork and exec is Python in a forked copy of the controller,
which costs as much and may deadlock, as the documentation of ``preexec_fn`` says. What a shell
cannot do is to tell why an exec failed, so that is found out here, before and after it: a
SpawnError is as exact as without a gate.
"""

from __future__ import annotations

import errno
import os
import re
import shlex
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from reconciler.converge.unstartable import SpawnError

_WAIT = 'IFS= read -r RECON_GATE || exit 1; unset RECON_GATE; exec "$@" </dev/null'
_OWN_PID = "LISTEN_PID=$$; export LISTEN_PID"
_EXEC = 'exec "$@"'
_SHELL = "/bin/sh"
_ITS_OWN = ("PWD", "OLDPWD")
"""Variables that shells put into the environment of what they start, or correct there."""
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PATIENCE = 2.0
"""Seconds for the shell to become the program; it takes half a millisecond."""
_LOOK = 0.00005
_BINFMT = Path("/proc/sys/fs/binfmt_misc")
_NO_PROGRAM, _NOT_RUN = 127, 126  # what a shell exits with (POSIX, exit status of `exec`)


def command(
    program: Sequence[str], environment: Mapping[str, str], *, wait: bool, own_pid: bool
) -> tuple[str, ...]:
    """The command of the shell in between. ``wait``: at the gate; ``own_pid``: set LISTEN_PID."""
    parts = [
        f"{name}={shlex.quote(environment[name])}" if name in environment else f"unset {name}"
        for name in _ITS_OWN
    ]
    script = "; ".join([*parts, *([_OWN_PID] if own_pid else []), _WAIT if wait else _EXEC])
    return (_SHELL, "-c", script, "sh", *program)


def check_names(environment: Mapping[str, str], what: str) -> None:
    """A variable whose name a shell cannot hold would be lost: SpawnError."""
    for name in environment:
        if not _NAME.fullmatch(name):
            told = f"{name} cannot be handed over together with {what}; use letters, digits and _"
            raise SpawnError(told, transient=False)


def check_format(found: Path) -> None:
    """A shell would read a file that the kernel cannot run as a script of its own: OSError."""
    if any(entry not in ("register", "status") for entry in _listed(_BINFMT)):
        return  # the host has been taught other formats
    with found.open("rb") as file:
        head = file.read(20)
    if head.startswith(b"\x7fELF"):
        with open("/proc/self/exe", "rb") as ours:
            # e_machine; a 64-bit kernel runs the 32-bit sibling too.
            if head[18:20] == ours.read(20)[18:20] or head[4:5] == b"\x01":
                return
    elif head.startswith(b"#!"):
        return
    raise OSError(errno.ENOEXEC, os.strerror(errno.ENOEXEC))


class Gate:
    """One gate, closed at first. Not for threads."""

    def __init__(self) -> None:
        self.inner, self._outer = os.pipe2(os.O_CLOEXEC)
        """``inner``: what the shell reads from."""

    def open(self) -> None:
        """Let the program run."""
        os.write(self._outer, b"\n")

    def close(self) -> None:
        """Let go; a program that still waits will never run."""
        os.close(self.inner)
        os.close(self._outer)


def is_through(pid: int, program: str) -> bool:
    """Wait until the shell has become the program; False where it ended without.

    ``pid`` is a child of ours that is not reaped. What is left of a dead process is its name,
    which an exec changes.
    """
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        line = _cmdline(pid)
        if line is None:
            break
        words = line.split(b"\0")
        if words[0] and not (words[0] == _SHELL.encode() and _WAIT.encode() in line):
            return True
        if not words[0] and (name := _dead_name(pid)) is not None:
            return name != "sh" or os.path.basename(program) == "sh"
        time.sleep(_LOOK)
    return True  # very slow; what becomes of it, its end will tell


def failure(status: int) -> OSError | None:
    """What kept the shell from becoming the program, by its exit status, as far as it tells."""
    number = {_NO_PROGRAM: errno.ENOENT, _NOT_RUN: errno.EACCES}.get(status)
    return None if number is None else OSError(number, os.strerror(number))


def _cmdline(pid: int) -> bytes | None:
    """None where the process is gone; empty in the middle of an exec, and of a zombie."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            return file.read(4096)
    except OSError:
        return None


def _dead_name(pid: int) -> str | None:
    """The name of a zombie; None while it lives."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            before, _, after = file.read(4096).rpartition(b")")
    except OSError:
        return None
    return before.partition(b"(")[2].decode(errors="replace") if after[1:2] in b"ZX" else None


def _listed(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
