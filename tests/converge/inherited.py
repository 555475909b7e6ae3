"""Programs started with listening sockets from descriptor 3 on, as the controller will do it."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.converge.process import handover
from tests.waiting import until

PRELOAD = Path(handover.__file__).with_name("preload.cjs")


@dataclass
class Shared:
    """A listening socket that all instances are handed, and that this process keeps open."""

    name: str
    socket: socket.socket
    host: str = ""
    port: int = 0
    path: str = ""

    def described(self, fd: int) -> dict[str, object]:
        where = {"path": self.path} if self.path else {"host": self.host, "port": self.port}
        return {"name": self.name, "fd": fd, **where}


def tcp(name: str = "http", host: str = "127.0.0.1", port: int = 0) -> Shared:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind((host, port))
    sock.listen(4096)
    return Shared(name, sock, host=host, port=sock.getsockname()[1])


def unix(path: Path, name: str = "api") -> Shared:
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(str(path))
    sock.listen(4096)
    return Shared(name, sock, path=str(path))


@dataclass
class Program:
    """A running program, its output, and the addresses of its own probe sockets."""

    process: subprocess.Popen[bytes]
    output: Path
    probes: dict[str, str] = field(default_factory=dict)

    @property
    def text(self) -> str:
        return self.output.read_text()

    def says(self, words: str) -> None:
        until(lambda: words in self.text, what=f"{words!r} in {self.text!r}")

    def probe(self, name: str = "http", url: str = "/") -> bytes | None:
        """The raw answer on the private socket; None where it is refused, or was just closed."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(60)
            try:
                sock.connect(self.probes[name])
                sock.sendall(f"GET {url} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                return b"".join(iter(lambda: sock.recv(65536), b""))
            except ConnectionError:
                return None

    def terminate(self, name: int = signal.SIGTERM) -> None:
        """To the main process only, as ``recon`` stops."""
        self.process.send_signal(name)

    def ended(self) -> int:
        return self.process.wait(60)


def launch(
    command: list[str],
    shared: list[Shared],
    output: Path,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    probed: bool = True,
) -> Program:
    """Start ``command`` with ``shared`` and a probe socket for each, LISTEN_PID its own."""
    sockets = [one.socket for one in shared]
    entries: list[dict[str, object]] = [one.described(3 + n) for n, one in enumerate(shared)]
    probes: dict[str, str] = {}
    private: list[socket.socket] = []
    for one in shared if probed else []:
        probe = socket.socket(socket.AF_UNIX)
        probes[one.name] = f"\0recon-test-{secrets.token_hex(8)}"
        probe.bind(probes[one.name])
        entries.append({"name": f"{one.name}.probe", "fd": 3 + len(entries), "serves": one.name})
        private.append(probe)
    sockets += private
    # Out of the way of 3, 4, …, to which a shell moves them.
    copies = [fcntl.fcntl(sock.fileno(), fcntl.F_DUPFD_CLOEXEC, 100) for sock in sockets]
    moves = " ".join(f"{3 + n}<&{fd}" for n, fd in enumerate(copies))
    closes = " ".join(f"{fd}<&-" for fd in copies)
    script = f'exec {moves}; exec {closes}; LISTEN_PID=$$ exec "$@"'
    try:
        with output.open("wb") as out:
            process = subprocess.Popen(
                ["bash", "-c", script, "bash", *command],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                pass_fds=copies,
                cwd=cwd,
                env={**_environment(entries), **(env or {})},
                start_new_session=True,
            )
    finally:
        for fd in copies:
            os.close(fd)
        for probe in private:
            probe.close()
    return Program(process, output, probes)


def _environment(entries: list[dict[str, object]]) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {
        **kept,
        "LISTEN_FDS": str(len(entries)),
        "LISTEN_FDNAMES": ":".join(str(entry["name"]) for entry in entries),
        "RECON_SOCKETS": json.dumps(entries),
        "NODE_OPTIONS": f"--require={PRELOAD}",
    }


def end(program: Program) -> None:
    """Kill it with all of its session, and reap it."""
    try:
        os.killpg(program.process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    program.process.wait(60)
