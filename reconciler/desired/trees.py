"""The content of watched files and folders, as one digest a path.

Content, never dates: a file that is written anew with what it held, or touched, changes nothing.
A file is read again only where its signature changed, so that a look at a folder in which
nothing happened costs one ``stat`` a file.

A path that is not there, or holds no file, has no digest: a build that begins by removing what
it is about to make must not count as a change (see ``content``).
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from reconciler.desired.files import NEVER, Signature, lasting
from reconciler.desired.ignore import DEFAULTS, Ignored
from reconciler.desired.ours import Ours, is_one_of
from reconciler.model.desired import DesiredApp
from reconciler.model.revision import hash_of, template_of
from reconciler.model.watch import Watch

MOST = 100_000
"""Files below one path; more is a mistake (a home directory, a disk)."""
_SIZE = 12
"""Hex digits that a digest is shown with, as those of revisions."""


class TreeTooLarge(Exception):
    """More files than anybody means to watch: a sentence."""


class Entry(NamedTuple):
    """One file as it was last read."""

    signature: Signature
    digest: bytes


@dataclass(slots=True)
class Tree:
    """What lies below one watched path."""

    files: dict[str, Entry] = field(default_factory=dict)
    """By path below the watched one; a watched file itself is ``""``."""
    folders: list[str] = field(default_factory=list)
    """Absolute paths of all folders that were looked into."""

    @property
    def digest(self) -> str | None:
        """Of all names and contents; None where there is no file."""
        if not self.files:
            return None
        whole = hashlib.blake2b(digest_size=_SIZE // 2)
        for name, entry in sorted(self.files.items()):
            whole.update(os.fsencode(name) + b"\0" + entry.digest)
        return whole.hexdigest()


class Trees:
    """The watched paths of one app."""

    def __init__(self, watch: Watch, cwd: str, ours: Ours | None = None) -> None:
        """``ours``: what recon itself writes; it is never content."""
        self._paths = {path: os.path.normpath(os.path.join(cwd, path)) for path in watch.paths}
        self._ignored = Ignored((*DEFAULTS, *watch.ignore))
        self._ours = ours or Ours()
        self._trees: dict[str, Tree] = {}
        self._discovered: set[str] = set()

    def look(self) -> Mapping[str, str]:
        """Read what has changed; the digest of each path that has one. Raises TreeTooLarge."""
        self._discovered.clear()
        for path, place in self._paths.items():
            self._trees[path] = self._read(place, self._trees.get(path, Tree()))
        digests = ((path, tree.digest) for path, tree in self._trees.items())
        return {path: digest for path, digest in digests if digest is not None}

    def folders(self) -> set[str]:
        """All folders in which something may come to be content, as of the last look.

        And those discovered since. Where a watched path is not there yet: the nearest folder
        above it that is.
        """
        found = {folder for tree in self._trees.values() for folder in tree.folders}
        found |= self._discovered
        for place in self._paths.values():
            found.add(_nearest_folder(place))
        return found

    def discover(self, path: str) -> set[str]:
        """The folders that matter at and below a path that has come to be; empty for a file.

        Nothing is read. Between this and the next look a build that has just made its folder
        writes there, and would not be heard.
        """
        tree = Tree()
        for place in self._paths.values():
            if place == path or place.startswith(path + os.sep):
                self._note_folders(place, tree)
                tree.folders.append(_nearest_folder(place))
            elif path.startswith(place + os.sep):
                self._note_folders(path, tree, path[len(place) + 1 :] + "/")
        self._discovered.update(tree.folders)
        return set(tree.folders)

    def concerns(self, path: str) -> bool:
        """Whether a file or folder of this absolute path may be content."""
        if self._ours.is_log(path):
            return False
        for place in self._paths.values():
            if path == place or place.startswith(path + os.sep):
                return True
            if path.startswith(place + os.sep):
                return not self._ignored.hides(path[len(place) + 1 :])
        return False

    def files(self) -> dict[str, bytes]:
        """The digest of every file, by its path as people write it."""
        return {
            os.path.join(path, name) if name else path: entry.digest
            for path, tree in self._trees.items()
            for name, entry in tree.files.items()
        }

    def _read(self, place: str, known: Tree) -> Tree:
        tree = Tree()
        for name, path, status in self._walk(place, tree):
            seen = _signature(status)
            before = known.files.get(name)
            if before is not None and before.signature == seen:
                tree.files[name] = before
            else:
                digest = _digest(path, status)
                if digest is not None:
                    tree.files[name] = Entry(lasting(seen) or NEVER, digest)
            if len(tree.files) > MOST:
                told = f"{place} holds more than {MOST:,} files"
                raise TreeTooLarge(f"{told}; watch less of it, or name what to `ignore`")
        return tree

    def _note_folders(self, place: str, tree: Tree, prefix: str = "") -> None:
        for _ in self._walk(place, tree, prefix):
            pass

    def _walk(
        self, place: str, tree: Tree, prefix: str = ""
    ) -> Iterator[tuple[str, str, os.stat_result]]:
        """(name, path, status) of every regular file at and below ``place``; notes the folders.

        Names are relative to the watched path, below which ``place`` lies by ``prefix``.
        """
        try:
            status = os.stat(place)
        except OSError:
            return
        if stat.S_ISREG(status.st_mode) and not self._ours.is_log(place):
            yield "", place, status
        elif stat.S_ISDIR(status.st_mode):
            yield from self._below(place, prefix, frozenset([_identity(status)]), tree)

    def _below(
        self, folder: str, prefix: str, above: frozenset[tuple[int, int]], tree: Tree
    ) -> Iterator[tuple[str, str, os.stat_result]]:
        if self._ours.has_folder(folder):
            return
        tree.folders.append(folder)
        logs = self._ours.logs_in(folder)
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError:
            return
        for entry in entries:
            name = prefix + entry.name
            if is_one_of(logs, entry.name):
                continue
            try:
                status = entry.stat()
            except OSError:
                continue  # gone since it was listed, or a link to nothing
            is_folder = stat.S_ISDIR(status.st_mode)
            if (f"{name}/" if is_folder else name) in self._ignored:
                continue
            if stat.S_ISREG(status.st_mode):
                yield name, entry.path, status
            elif is_folder and _identity(status) not in above:  # else a link to what it lies in
                deeper = above | {_identity(status)}
                yield from self._below(entry.path, name + "/", deeper, tree)


def content(watch: Watch, seen: Mapping[str, str], before: Mapping[str, str]) -> dict[str, str]:
    """The content that counts: of a path that is gone or empty, what it held before."""
    found = {path: seen.get(path) or before.get(path) for path in watch.paths}
    return {path: digest for path, digest in found.items() if digest}


def with_content(app: DesiredApp, found: Mapping[str, str]) -> DesiredApp:
    """The app as it is with this content of what it watches."""
    if found == app.spec.watched:
        return app
    spec = app.spec.model_copy(update={"watched": dict(found)})
    return replace(app, spec=spec, hash=hash_of(template_of(spec), app.marks))


def as_found(app: DesiredApp, before: Mapping[str, str], ours: Ours) -> DesiredApp:
    """The app with what is in its files now, by one look; ``before``: what was followed last."""
    watch = app.spec.watch
    if watch is None:
        return app
    try:
        seen = Trees(watch, app.spec.cwd, ours).look()
    except TreeTooLarge:
        seen = {}  # the controller holds on to what was, and says why
    return with_content(app, content(watch, seen, before))


def changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    """The files that differ, by name."""
    names = before.keys() | after.keys()
    return sorted(name for name in names if before.get(name) != after.get(name))


def _digest(path: str, status: os.stat_result) -> bytes | None:
    """Of content and of whether it may be executed; None where it cannot be read (any more)."""
    whole = hashlib.blake2b(b"x" if status.st_mode & 0o111 else b"-", digest_size=16)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb", buffering=0) as file:
            while block := file.read(1 << 20):
                whole.update(block)
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
            raise  # ours to bear: it must not look like a change
        return None
    return whole.digest()


def _signature(status: os.stat_result) -> Signature:
    """As ``files.signature`` has it, with the mode: it is part of the digest."""
    return (
        *(status.st_mtime_ns, status.st_ctime_ns),
        *(status.st_size, status.st_ino, status.st_dev, status.st_mode),
    )


def _identity(status: os.stat_result) -> tuple[int, int]:
    return (status.st_dev, status.st_ino)


def _nearest_folder(place: str) -> str:
    folder = os.path.dirname(place)
    while not os.path.isdir(folder) and folder != os.sep:
        folder = os.path.dirname(folder)
    return folder
