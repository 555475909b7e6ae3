"""Controllers that run the same manifests as this one: everything runs twice by mistake.

Two state directories on one directory of manifests are two controllers that do not know of each
other. So each leaves a note in the run directory, named after the directory's device and inode,
whatever path it is called by. A note whose controller has ended is removed by the next that
sees it. There is no lock: any user who may read the manifests could take one.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from reconciler.model.state.desired import Problem, Reason
from reconciler.model.words.sentence import Sentence
from reconciler.state.paths import SHARED
from reconciler.system import procfs


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another controller, by its note."""

    pid: int
    start: int
    """When it started, in the kernel's ticks: a pid is used again."""
    state: str

    @property
    def lives(self) -> bool:
        return _start_of(self.pid) == self.start

    @property
    def shown(self) -> str:
        return f"another controller (pid {self.pid}, --state-dir {self.state})"


_NOTE = TypeAdapter(Neighbour)


def twice(other: Neighbour) -> Sentence:
    """What is wrong where a controller runs the manifests of another, and what to do."""
    message = f"{other.shown} runs these manifests, too: each app runs twice"
    return Sentence(message, f"stop one: recon down --state-dir {other.state}")


def controllers_of(manifests: Path, folder: Path | None = None) -> list[Neighbour]:
    """All controllers of a directory of manifests, as their notes say. Nothing is changed."""
    folder = folder if folder is not None else _run_folder()
    if folder is None:
        return []
    try:
        status = os.stat(manifests)
        notes = _notes(folder, _prefix(status.st_dev, status.st_ino))
    except OSError:
        return []
    return [found for note in notes if (found := _read(note)) is not None and found.lives]


class Neighbours:
    """The controllers of one directory of manifests. Looks are cheap: a listing of a folder."""

    def __init__(self, manifests: Path, state: Path, folder: Path | None = None) -> None:
        self._manifests = manifests
        self._own = Neighbour(os.getpid(), _start_of(os.getpid()) or 0, str(state))
        self._folder = folder if folder is not None else _run_folder()
        self._note: Path | None = None
        self.found: tuple[Neighbour, ...] = ()

    def look(self, directory: tuple[int, int] | None) -> tuple[Neighbour, ...]:
        """Leave a note where there is none yet; the controllers that were not there before.

        ``directory``: device and inode of the manifests, None where that is not known.
        Without a run directory no other controller is found, and nothing else depends on it.
        """
        before = self.found
        try:
            self.found = tuple(self._others(*directory)) if directory else ()
        except OSError:
            self.found = ()
        return tuple(one for one in self.found if one not in before)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is to be told wherever problems of manifests are."""
        place = str(self._manifests)
        return tuple(
            Problem(place, 0, 0, "", message, reason=Reason.SHARED, remedy=remedy)
            for message, remedy in map(twice, self.found)
        )

    def close(self) -> None:
        """Take the note away."""
        if self._note is not None:
            self._note.unlink(missing_ok=True)

    def _others(self, device: int, inode: int) -> Iterator[Neighbour]:
        if self._folder is None:
            return
        prefix = _prefix(device, inode)
        own = self._folder / f"{prefix}{self._own.pid}"
        self._leave_note(own)
        for note in _notes(self._folder, prefix):
            other = _read(note) if note != own else None
            if other is not None and other.lives and other.state != self._own.state:
                yield other  # one with our state directory is ending: we have its lock
            elif other is not None:
                note.unlink(missing_ok=True)

    def _leave_note(self, place: Path) -> None:
        """Under the name that the directory has now: a link to a release may lead elsewhere."""
        if self._note == place and place.exists():
            return
        self.close()
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.write_bytes(_NOTE.dump_json(self._own))
        self._note = place


def _prefix(device: int, inode: int) -> str:
    """Of the names of a directory's notes."""
    return f"{device}-{inode}."


def _notes(folder: Path, prefix: str) -> list[Path]:
    """OSError."""
    return [folder / name for name in sorted(os.listdir(folder)) if name.startswith(prefix)]


def _read(note: Path) -> Neighbour | None:
    """The controller that left a note, which may have ended since; None where it is damaged."""
    try:
        return _NOTE.validate_json(note.read_bytes())
    except (OSError, ValidationError):
        return None


def _start_of(pid: int) -> int | None:
    """When a process started, in ticks; None where there is none, or a zombie."""
    found = procfs.stat(pid)
    return None if found is None or found.state in ("Z", "X") else found.start


def _run_folder() -> Path | None:
    """root's, or the user's own: no other user can write there."""
    if os.geteuid() == 0:
        return SHARED / "controllers"
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if not runtime or not os.path.isdir(runtime) or os.stat(runtime).st_uid != os.geteuid():
        return None
    return Path(runtime) / "recon/controllers"
