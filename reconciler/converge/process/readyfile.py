"""`process.send('ready')` of Node programs, as PM2's wait_ready has it: a file an instance.

Node cannot send a datagram, so sd_notify(3) is closed to it. So an instance with a ``notify`` probe
is also given an empty file of its own (RECON_READY_FILE), and a Node program the preload, which
supplies ``process.send`` where there is none and writes to that file. What was said stays said when
the controller is replaced. Only the file's size is ever looked at.

The file is the app's user's, 0600; it goes with the instance.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Container, Mapping
from pathlib import Path
from typing import NamedTuple

from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.observed import Tag

_ROOTS = Path("/run/recon")
_HIDDEN = ("/tmp/", "/var/tmp/")


class _Place(NamedTuple):
    folder: Path
    preload: str
    """What a Node program is to load, as NODE_OPTIONS says it."""


_places: dict[str, _Place] = {}
"""By store: chosen once, when its controller starts."""


def variables(spec: ProgramSpec, tag: Tag, environment: Mapping[str, str]) -> dict[str, str]:
    """The variables for one instance; none where it has no ``notify`` probe."""
    place = _places.get(tag.store)
    if place is None or not is_needed(spec):
        return {}
    file = str(place.folder / tag.nonce)
    if spec.private_tmp and any(one.startswith(_HIDDEN) for one in (file, place.preload)):
        return {}
    options = f"{environment.get('NODE_OPTIONS', '')} --require={place.preload}".strip()
    return {"RECON_READY_FILE": file, "NODE_OPTIONS": options}


def is_needed(spec: ProgramSpec) -> bool:
    """Whether a probe waits for the program's own word."""
    return any(probe.notify for probe in spec.probes.values())


class ReadyFiles:
    """The files of all instances of one store."""

    def __init__(self, state_dir: Path, store: str, preload: str) -> None:
        self._folder = _folder(state_dir, store)
        _places[store] = _Place(self._folder, preload)

    def create(self, nonce: str, owner: tuple[int, int] | None) -> None:
        """Before the instance starts. OSError; ``remove`` takes back what was made."""
        _make(self._folder)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._folder / nonce, flags, 0o600)
        try:
            if owner is not None:
                os.fchown(descriptor, *owner)
        finally:
            os.close(descriptor)

    def is_ready(self, nonce: str) -> bool:
        """Whether the instance has said that it is ready."""
        try:
            return os.lstat(self._folder / nonce).st_size > 0
        except OSError:
            return False

    def remove(self, nonce: str) -> None:
        """The instance is gone, or was never started."""
        with contextlib.suppress(OSError):
            os.unlink(self._folder / nonce)
            self._folder.rmdir()  # with the last one goes the place, which ``create`` makes again

    def sweep(self, live: Container[str]) -> None:
        """Remove those of instances that are gone."""
        with contextlib.suppress(OSError):
            for nonce in [one for one in os.listdir(self._folder) if one not in live]:
                self.remove(nonce)


def _folder(state_dir: Path, store: str) -> Path:
    """Where programs of any user can reach a file of theirs; they can list nothing."""
    if os.geteuid() == 0:
        with contextlib.suppress(OSError):
            _make(_ROOTS / "ready")
            return _ROOTS / "ready" / store
    return state_dir / "ready"


def _make(folder: Path) -> None:
    for one in [each for each in (folder, *folder.parents) if not each.exists()][::-1]:
        one.mkdir(mode=0o711)
        one.chmod(0o711 if one != _ROOTS else 0o755)  # whatever our umask is
