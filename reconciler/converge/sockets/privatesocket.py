"""Private sockets: one an instance, which only its own probes use.

They lie in a folder that only recon may enter; a program has its own by inheritance. They stay
there as long as the process lives, for the next controller too. Root's folder is in the run
directory, so that an instance is probed and started also where the state directory was removed or
cannot be written. A user's is in the state directory first, which outlives a logout.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Container, Iterator
from pathlib import Path

from reconciler.system.files.rundir import run_dir


def places(state_dir: Path, store: str | None) -> list[Path]:
    """The folders where they may lie, the best first. ``store`` None: only in the state."""
    own, base = state_dir / "probe", run_dir()
    if base is None or store is None:
        return [own]
    running = base / "probe" / store
    return [running, own] if os.geteuid() == 0 else [own, running]


@contextlib.contextmanager
def open_private(
    state_dir: Path, nonce: str, name: str, store: str | None = None
) -> Iterator[str | None]:
    """The socket to connect to, for a reader without a controller; None without a socket."""
    for place in places(state_dir, store):
        if os.path.lexists(place / f"{nonce}.{name}"):
            folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                yield f"/proc/self/fd/{folder}/{nonce}.{name}"
            finally:
                os.close(folder)
            return
    yield None


class _Folder:
    """One place, by a descriptor: a path may be longer than a socket's address can be (107)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = -1

    def open(self) -> int:
        """The folder that has this name now, made again where it was removed. OSError."""
        if self._descriptor >= 0 and os.fstat(self._descriptor).st_nlink:
            return self._descriptor
        self.close()
        self.path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        self.path.mkdir(mode=0o700, exist_ok=True)
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
        self._descriptor = os.open(self.path, flags)
        return self._descriptor

    def names(self) -> list[str]:
        try:
            return os.listdir(self.path)
        except OSError:
            return []

    def where(self, name: str) -> str | None:
        """A short path to what has this name in it; None where nothing has."""
        with contextlib.suppress(OSError):
            path = f"/proc/self/fd/{self.open()}/{name}"
            return path if os.path.lexists(path) else None
        return None

    def remove(self, name: str) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self.path / name)

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class PrivateSockets:
    """All of a store. A name is ``<nonce>.<socket's name>``."""

    def __init__(self, state_dir: Path, store: str | None = None) -> None:
        self._folders = [_Folder(place) for place in places(state_dir, store)]
        self._names: dict[str, list[str]] = {}
        for file in {name for folder in self._folders for name in folder.names()}:
            nonce, _, name = file.partition(".")
            self._names.setdefault(nonce, []).append(name)

    def create(self, nonce: str, name: str) -> socket.socket:
        """Bound, not listening. The caller closes it once the process has it. OSError."""
        made = socket.socket(socket.AF_UNIX)
        try:
            self._bind(made, f"{nonce}.{name}")
        except OSError:
            made.close()
            raise
        self._names.setdefault(nonce, []).append(name)
        return made

    def _bind(self, made: socket.socket, name: str) -> None:
        first: OSError | None = None
        for folder in self._folders:
            try:
                made.bind(f"/proc/self/fd/{folder.open()}/{name}")
                return
            except OSError as error:
                first = first or error
        assert first is not None
        raise OSError(first.errno, first.strerror, str(self._folders[0].path / name))

    def path(self, nonce: str, name: str) -> str | None:
        """Where to connect to; None where the process has none, or it was removed."""
        if name not in self._names.get(nonce, ()):
            return None
        found = (folder.where(f"{nonce}.{name}") for folder in self._folders)
        return next((path for path in found if path is not None), None)

    def remove(self, nonce: str) -> None:
        """The process is gone, or was never started."""
        for name in self._names.pop(nonce, ()):
            for folder in self._folders:
                folder.remove(f"{nonce}.{name}")

    def sweep(self, live: Container[str]) -> None:
        """Remove those of processes that are gone."""
        for nonce in [nonce for nonce in self._names if nonce not in live]:
            self.remove(nonce)

    def close(self) -> None:
        for folder in self._folders:
            folder.close()
            if folder is self._folders[0] and len(self._folders) > 1:
                with contextlib.suppress(OSError):  # others have sockets in it
                    folder.path.rmdir()
