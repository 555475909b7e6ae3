"""Private sockets: one an instance, by which its own probes reach it and nobody else does.

They lie in the state directory, so that only recon can connect; a program has its own by
inheritance. They stay there as long as the process lives, for the next controller too.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Container, Iterator
from pathlib import Path


@contextlib.contextmanager
def open_private(state_dir: Path, nonce: str, name: str) -> Iterator[str | None]:
    """Where to connect to, for one who only looks; None where the process has none."""
    if not os.path.lexists(state_dir / "probe" / f"{nonce}.{name}"):
        yield None
        return
    folder = os.open(state_dir / "probe", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{folder}/{nonce}.{name}"
    finally:
        os.close(folder)


class PrivateSockets:
    """The folder of them. A name is ``<nonce>.<socket's name>``."""

    def __init__(self, state_dir: Path) -> None:
        folder = state_dir / "probe"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # By a descriptor: a path may be longer than a socket's address can be (107 bytes).
        self._folder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._names: dict[str, list[str]] = {}
        for file in os.listdir(folder):
            nonce, _, name = file.partition(".")
            self._names.setdefault(nonce, []).append(name)

    def create(self, nonce: str, name: str) -> socket.socket:
        """Bound, not listening. The caller closes it once the process has it. OSError."""
        made = socket.socket(socket.AF_UNIX)
        try:
            made.bind(self._path(f"{nonce}.{name}"))
        except OSError:
            made.close()
            raise
        self._names.setdefault(nonce, []).append(name)
        return made

    def path(self, nonce: str, name: str) -> str | None:
        """Where to connect to; None where the process has none."""
        return self._path(f"{nonce}.{name}") if name in self._names.get(nonce, ()) else None

    def remove(self, nonce: str) -> None:
        """The process is gone, or was never started."""
        for name in self._names.pop(nonce, ()):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{nonce}.{name}", dir_fd=self._folder)

    def sweep(self, live: Container[str]) -> None:
        """Remove those of processes that are gone."""
        for nonce in [nonce for nonce in self._names if nonce not in live]:
            self.remove(nonce)

    def close(self) -> None:
        os.close(self._folder)

    def _path(self, name: str) -> str:
        return f"/proc/self/fd/{self._folder}/{name}"
