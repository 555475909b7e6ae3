"""Small messages that a process, a file or a client hands over: a value, or none, in each reader.

The first byte says which reader."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from reconciler.checks import runtimes
from reconciler.desired.directory.footing import Footing
from reconciler.logs.read.request import Position
from reconciler.logs.write.write_ahead import PAGE, Header
from reconciler.notify.outcome import Outcome
from reconciler.state import resume
from reconciler.state.notices import Remembered


def _package(data: bytes) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        Path(folder, "package.json").write_bytes(data)
        runtimes.scripts_of(runtimes.package_of(folder))


def _position(data: bytes) -> None:
    try:
        found = Position.parse(data.decode("latin-1"))
    except ValueError:
        return
    assert Position.parse(str(found)) == found


def _resume(data: bytes) -> None:
    try:
        resume.parse(data.decode("latin-1"))
    except ValueError:
        return


def _footing(data: bytes) -> None:
    found = Footing.from_text(data.decode(errors="replace"))
    if found is not None:
        assert Footing.from_text(found.to_text()) == found


def _remembered(data: bytes) -> None:
    found = Remembered.from_text(data.decode(errors="replace"))
    again = Remembered.from_text(found.to_text())
    assert again == found, (again, found)


_READERS: tuple[Callable[[bytes], object], ...] = (
    lambda data: Header.parse(data.ljust(PAGE)[:PAGE]),
    Outcome.from_bytes,
    _footing,
    _remembered,
    _position,
    _resume,
    _package,
)
SEEDS = (
    b'\1{"error": "no", "retry_after": 1.5}',
    b'\2{"profile": null, "settings": {}, "notify": []}',
    b'\3{"targets": {}}',
    b"\0040x1.ac38190334396p+30_5312d35a_20c1fa_454e",
    b"\00512-0x1.8p+30",
    b'\6{"scripts": {"start": "node a.js"}}',
    b"\2" + b"[" * 3000,
    b"\6" + b"[" * 3000,
)


def check(data: bytes) -> None:
    """One message."""
    if data:
        _READERS[data[0] % len(_READERS)](data[1:])
