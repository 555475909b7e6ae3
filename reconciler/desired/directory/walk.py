"""The walk over the manifests directory: which files are manifests, and what could not be seen.

Links are followed, but each folder is looked into once, so that no circle and no farm of links
holds up the walk. What cannot be listed, or could have been emptied by others (``trust``), makes
the walk incomplete, so that nothing is taken for absent.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from reconciler.desired.directory.names import is_hidden, is_manifest_name
from reconciler.desired.files import is_made_up
from reconciler.model.state.desired import Problem, Reason
from reconciler.system.files.trust import Trust, UntrustedError
from reconciler.system.work import door
from reconciler.system.work.door import UnansweredError

MOST = 20_000
"""Files and folders below the manifests directory; more is a mistake (a link to a whole disk)."""

_Identity = tuple[int, int]


class Walk:
    """One walk over the directory: its manifest files, and what could not be seen."""

    def __init__(self, root: Path, trust: Trust) -> None:
        self._root = str(root)
        self._trust = trust
        self._left = MOST
        self._seen: dict[_Identity, str] = {}
        self.apart: list[str] = []
        """Manifest files that may be written where their folder does not hear of that."""
        self.problems: list[Problem] = []
        self.complete = True
        self.root_id: _Identity | None = None

    @property
    def folders(self) -> list[str]:
        """The paths of all folders that were looked into."""
        return [*self._seen.values()]

    def files(self) -> Iterator[str]:
        """The paths of all manifest files. The rest is known when the last was given."""
        try:
            status = door.stat(self._root)
        except UnansweredError as error:
            self._fail(self._root, error.message, error.remedy, Reason.UNANSWERED)
            return
        except OSError as error:
            self._fail(self._root, f"the manifests directory: {error.strerror}")
            return
        self.root_id = (status.st_dev, status.st_ino)
        above = frozenset(_identities(os.path.dirname(door.realpath(self._root))))
        yield from self._below(self._root, self.root_id, above)

    def _below(
        self, folder: str, identity: _Identity, above: frozenset[_Identity]
    ) -> Iterator[str]:
        self._seen[identity] = folder
        try:
            self._trust.check_folder(folder)
            entries = door.through(folder, self._listed, folder)
        except UntrustedError as error:
            self._fail(folder, error.message, error.remedy)
            return
        except UnansweredError as error:
            self._fail(folder, error.message, error.remedy, Reason.UNANSWERED)
            return
        except OSError as error:
            self._fail(folder, f"cannot be listed: {error.strerror}")
            return
        for entry in entries:
            if is_hidden(entry.name):
                continue
            try:
                is_folder = door.through(entry.path, entry.is_dir)
            except UnansweredError as error:
                self._fail(entry.path, error.message, error.remedy, Reason.UNANSWERED)
                continue
            except OSError:
                is_folder = False  # a link to itself: reading it will tell
            if is_folder:
                yield from self._folder(entry, above | {identity})
            elif is_manifest_name(entry.name):
                if _has_other_names(entry):
                    self.apart.append(entry.path)
                yield entry.path

    def _listed(self, folder: str) -> list[os.DirEntry[str]]:
        """What is in a folder, by name; nothing where there is more than ``MOST``. OSError."""
        entries = []
        with os.scandir(folder) as found:
            for entry in found:
                self._left -= 1
                if self._left < 0:
                    message = f"more than {MOST:,} files below the manifests directory"
                    self._fail(folder, message, "keep manifests in a folder of their own")
                    return []
                entries.append(entry)
        return sorted(entries, key=lambda entry: entry.name)

    def _folder(self, entry: os.DirEntry[str], above: frozenset[_Identity]) -> Iterator[str]:
        try:
            status = door.through(entry.path, entry.stat)
            identity = (status.st_dev, status.st_ino)
            unfit = is_made_up(entry.path) if entry.is_symlink() else False
        except UnansweredError as error:
            self._fail(entry.path, error.message, error.remedy, Reason.UNANSWERED)
            return
        except OSError:
            return  # gone since it was listed
        if identity in above:
            self._warn(entry.path, "a link to a folder that contains it", "remove it")
        elif identity in self._seen:
            other = self._seen[identity]
            self._warn(entry.path, f"the same folder as {other}", "remove one of the two")
        elif unfit:
            self._warn(
                entry.path, "a link to a file of the kernel (as in /proc or /sys)", "remove it"
            )
        else:
            yield from self._below(entry.path, identity, above)

    def _warn(
        self, path: str, message: str, remedy: str = "", reason: Reason = Reason.INVALID
    ) -> None:
        self.problems.append(Problem(path, 0, 0, "", message, reason=reason, remedy=remedy))

    def _fail(
        self, path: str, message: str, remedy: str = "", reason: Reason = Reason.INVALID
    ) -> None:
        self.complete = False
        self._warn(path, message, remedy, reason)


def _has_other_names(entry: os.DirEntry[str]) -> bool:
    """Whether it is a link, or a hard link."""
    try:
        return (
            entry.is_symlink()
            or door.through(entry.path, entry.stat, follow_symlinks=False).st_nlink > 1
        )
    except OSError:
        return False  # gone since it was listed, or reading it will tell


def _identities(folder: str) -> Iterator[_Identity]:
    """Of a folder and all above it."""
    while True:
        try:
            status = door.stat(folder)
            yield status.st_dev, status.st_ino
        except OSError:
            pass  # the walk tells
        if folder == os.path.dirname(folder):
            return
        folder = os.path.dirname(folder)
