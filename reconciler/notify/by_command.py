"""A message for a program: JSON on its standard input, and the same in its environment."""

from __future__ import annotations

import ctypes
import grp
import json
import os
import pwd
import select
import shutil
import signal
import subprocess
import threading
from contextlib import suppress
from typing import IO, Any

from reconciler.notify.outcome import Outcome, failed
from reconciler.notify.target import Target
from reconciler.system.files.trust import UntrustedError, trusting

_PR_SET_PDEATHSIG = 1
_TAIL = 300
"""Bytes of what it writes to stderr that an error shows."""
_KEPT = ("HOME", "LANG", "LC_ALL", "PATH", "TZ")
_LOOK = 0.5
"""Seconds between looks, where a process of it keeps stderr open after its end."""


def run(target: Target, message: dict[str, Any]) -> Outcome:
    """Run it until it ends: the notifier bounds the time of this process."""
    try:
        identity = _identity(target.user)
        if identity.get("user", os.geteuid()) == 0:
            _must_be_roots(target)
        process = subprocess.Popen(
            target.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=_environment(target, message),
            cwd=target.folder,
            preexec_fn=_end_with_parent,  # noqa: PLW1509  a try has no other thread yet
            **identity,
        )
    except LookupError as error:
        return failed(str(error.args[0]))
    except UntrustedError as error:
        return failed(f"{error.filename}: {error.strerror}")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        return failed(f"{target.command[0]} cannot be run: {why}")
    assert process.stdin is not None and process.stderr is not None
    feeder = threading.Thread(target=_feed, args=(process.stdin, message), daemon=True)
    feeder.start()
    tail = _tail(process.stderr, process)
    code = process.wait()
    if code == 0:
        return Outcome()
    ended = f"exit {code}" if code > 0 else f"signal {-code}"
    written = tail.decode(errors="replace").strip().splitlines()
    return failed(f"{target.command[0]} ended with {ended}{f': {written[-1]}' if written else ''}")


def _end_with_parent() -> None:
    """In the program's process: it is killed when the try is, and so with the controller."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _must_be_roots(target: Target) -> None:
    """What root runs, no other user may have written. OSError, UntrustedError."""
    program = target.command[0]
    path = os.path.join(target.folder, program) if "/" in program else shutil.which(program)
    if path is not None:
        os.close(trusting().open(os.path.normpath(path)))


def _feed(stdin: IO[bytes], message: dict[str, Any]) -> None:
    with suppress(OSError):  # it does not read
        stdin.write(json.dumps(message).encode())
    with suppress(OSError):
        stdin.close()


def _tail(stderr: IO[bytes], process: subprocess.Popen[bytes]) -> bytes:
    """The last bytes that it wrote. What is more is read, and not kept."""
    tail = b""
    descriptor = stderr.fileno()
    while True:
        ready, _, _ = select.select([descriptor], [], [], _LOOK)
        piece = os.read(descriptor, 65_536) if ready else b""
        tail = (tail + piece)[-_TAIL:]
        if (ready and not piece) or (not ready and process.poll() is not None):
            return tail


def _environment(target: Target, message: dict[str, Any]) -> dict[str, str]:
    """Few variables of recon's own, and the message."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    kept.setdefault("PATH", os.defpath)
    if target.user is not None:
        kept["HOME"] = _account(target.user).pw_dir
    return {
        **kept,
        "RECON_NOTIFY_ID": message["id"],
        "RECON_NOTIFY_TARGET": message["target"],
        "RECON_NOTIFY_HOST": message["host"],
        "RECON_NOTIFY_KIND": message["kind"],
        "RECON_NOTIFY_SUBJECT": message["subject"],
        "RECON_NOTIFY_TEXT": message["text"],
    }


def _identity(user: str | None) -> dict[str, Any]:
    """As whom it runs. LookupError with a sentence where that user is unknown."""
    if user is None:
        return {}
    account = _account(user)
    if account.pw_uid == os.geteuid():
        return {}
    if os.geteuid() != 0:
        raise LookupError(f"user {user}: only root can run a command as another user")
    groups = {one.gr_gid for one in grp.getgrall() if account.pw_name in one.gr_mem}
    return {
        "user": account.pw_uid,
        "group": account.pw_gid,
        "extra_groups": sorted({account.pw_gid, *groups}),
    }


def _account(user: str) -> pwd.struct_passwd:
    try:
        return pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except KeyError:
        raise LookupError(f"user {user}: there is no such user on this host") from None
