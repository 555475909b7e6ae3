"""The variables by which a program finds its sockets: the protocol of systemd, and a little more.

===================  =============================================================================
LISTEN_FDS           how many, from descriptor 3 on (sd_listen_fds(3))
LISTEN_PID           the program's own pid
LISTEN_FDNAMES       their names, parted by colons; ``<name>.probe`` is a private one, see below
RECON_SOCKETS        the same as JSON, with addresses: for the preload
RECON_STOP_SIGNAL    the signal that will ask the program to end: for the preload
RECON_DRAIN_SECONDS  how long a program's own handlers of it may wait until what is in flight is
                     answered: for the preload. The manifest may say; 0 runs them at once
NODE_OPTIONS         loads ``preload.cjs`` into Node programs, which makes an unchanged
                     ``listen(3000)`` take the socket, and drains when the signal comes
===================  =============================================================================

A check of a shared port tells of the service, not of one instance. So where a probe asks a port
that is shared, each instance gets a second, private socket, which answers for it alone. It is
bound but not listening: a check of it is refused until the program's own listen(2).
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from reconciler.converge.process.stub import FIRST
from reconciler.model.spec.socket import Socket

_PRELOAD = Path(__file__).with_name("preload.cjs")
_SHARED = Path("/run/recon")
_DRAIN, _DRAIN_PART = 10.0, 3
"""Seconds at most before a program's own handlers, and the part of the grace period at most."""


class Handed(NamedTuple):
    """One descriptor for a program."""

    fd: int
    socket: Socket
    private: bool = False
    """It is the instance's own, for its probes."""

    @property
    def name(self) -> str:
        return f"{self.socket.name}.probe" if self.private else self.socket.name


class Handover(NamedTuple):
    """All that one program is handed."""

    handed: Sequence[Handed]
    preload: str
    """The file for Node programs (``install_preload``)."""
    stop_signal: str = "SIGTERM"
    """By which it will be asked to end."""
    grace: float = 30
    """Seconds that it has from then on."""


def with_sockets(environment: Mapping[str, str], sockets: Handover) -> dict[str, str]:
    """The environment of a program that is handed these.

    LISTEN_PID is for the stub to set: the pid is not known before the fork.
    """
    options = environment.get("NODE_OPTIONS", "")
    load = f"--require={quoted(sockets.preload)}"
    handed = sockets.handed
    return {
        "RECON_DRAIN_SECONDS": f"{min(_DRAIN, sockets.grace / _DRAIN_PART):g}",
        **environment,
        "LISTEN_FDS": str(len(handed)),
        "LISTEN_FDNAMES": ":".join(one.name for one in handed),
        "RECON_SOCKETS": json.dumps([_entry(one, fd) for fd, one in enumerate(handed, FIRST)]),
        "RECON_STOP_SIGNAL": sockets.stop_signal,
        "NODE_OPTIONS": options if load in options else f"{options} {load}".strip(),
    }


def install_preload(state_dir: Path) -> str:
    """Put the preload where programs of any user can read it; its path.

    Named by its content, so that an upgrade takes it away from no program that runs: each Node
    process that such a program starts loads it again.
    """
    content = _PRELOAD.read_bytes()
    folder = _SHARED if os.geteuid() == 0 else state_dir
    try:
        return _installed(folder, content)
    except OSError:
        return _installed(state_dir, content)


def _installed(folder: Path, content: bytes) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    if folder == _SHARED:
        folder.chmod(0o755)  # whatever our umask is
    path = folder / f"node-{hashlib.sha256(content).hexdigest()[:12]}.cjs"
    if not path.exists() or path.read_bytes() != content:
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(content)
        fresh.chmod(0o644)
        fresh.rename(path)
    return str(path)


def _entry(handed: Handed, fd: int) -> dict[str, Any]:
    socket = handed.socket
    # By the inode a program can tell that the descriptor is still the one it was given.
    about = {"name": handed.name, "fd": fd, "inode": os.fstat(handed.fd).st_ino}
    if handed.private:
        return {**about, "serves": socket.name}
    if socket.path is not None:
        return {**about, "path": socket.path}
    return {**about, "host": socket.host, "port": socket.port}


def quoted(path: str) -> str:
    """As Node splits NODE_OPTIONS: double quotes, in which a backslash escapes."""
    if not re.search(r'[\s"\\]', path):
        return path
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
