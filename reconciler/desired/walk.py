"""The walk over the manifests directory: which files are manifests, and what could not be seen.

Links are followed, but never round in a circle. What cannot be listed, or could have been emptied
by others (``trust``), makes the walk incomplete, so that nothing is taken for absent.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from reconciler.desired.trust import Trust, UntrustedError
from reconciler.model.desired import Problem

_SUFFIXES = (".yaml", ".yml", ".json")
# What editors leave beside a file while they write it.
_LEFTOVER = re.compile(r"^\.|~$|^#.*#$|^4913$|\.sw.$|\.tmp$")


class Walk:
    """One walk over the directory: its manifest files, and what could not be seen."""

    def __init__(self, root: Path, trust: Trust) -> None:
        self._root = str(root)
        self._trust = trust
        self.problems: list[Problem] = []
        self.complete = True
        self.root_id: tuple[int, int] | None = None

    def files(self) -> Iterator[str]:
        """The paths of all manifest files. The rest is known when the last was given."""
        try:
            status = os.stat(self._root)
        except OSError as error:
            self._fail(self._root, f"the manifests directory: {error.strerror}")
            return
        self.root_id = (status.st_dev, status.st_ino)
        yield from self._below(self._root, frozenset([self.root_id]))

    def _below(self, folder: str, above: frozenset[tuple[int, int]]) -> Iterator[str]:
        try:
            self._trust.check_folder(folder)
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except UntrustedError as error:
            self._fail(folder, error.message)
            return
        except OSError as error:
            self._fail(folder, f"cannot be listed: {error.strerror}")
            return
        for entry in entries:
            if is_hidden(entry.name):
                continue
            try:
                is_folder = entry.is_dir()
            except OSError:
                is_folder = False  # a link to itself: reading it will tell
            if is_folder:
                yield from self._folder(entry, above)
            elif is_manifest_name(entry.name):
                yield entry.path

    def _folder(self, entry: os.DirEntry[str], above: frozenset[tuple[int, int]]) -> Iterator[str]:
        try:
            status = entry.stat()
        except OSError:
            return  # gone since it was listed
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            message = "a link to a folder that it lies in; remove it"
            self.problems.append(Problem(entry.path, 0, 0, "", message))
            return
        yield from self._below(entry.path, above | {identity})

    def _fail(self, path: str, message: str) -> None:
        self.complete = False
        self.problems.append(Problem(path, 0, 0, "", message))


def is_manifest_name(name: str) -> bool:
    """Whether a file of this name is read."""
    return name.endswith(_SUFFIXES) and not is_hidden(name)


def is_hidden(name: str) -> bool:
    """Dotfiles and what editors leave: neither read nor walked into."""
    return _LEFTOVER.search(name) is not None
