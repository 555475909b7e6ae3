"""The content of watched files and folders, as one digest a path.

Content, never dates: a file that is written again with what it held, or touched, changes nothing.
A file is read again only where its signature changed, so that a look at a folder in which
nothing happened costs one ``stat`` a file.

The files are of unknown number, size and kind. So all are counted before one is read; there are
bounds for a file, and for all together; what is not a regular file is not opened, and what lies on
a pseudo file system (a link to /proc) is left out. The controller has this done by a worker process
(``treetask``): no pydantic here, which would take longer to import than all else.

A path that is not there, or holds no file, has no digest: a build that begins by removing what
it is about to make must not count as a change (see ``content``).
"""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from reconciler.desired.files import NEVER, Signature, lasting
from reconciler.desired.watched.ignore import DEFAULTS, Ignored
from reconciler.desired.watched.own_files import OwnFiles, is_one_of
from reconciler.model.words.sentence import Sentence
from reconciler.system.files.filesystem import is_pseudo
from reconciler.system.files.regular import open_regular
from reconciler.system.work import door
from reconciler.system.work.door import UnansweredError

MOST = 100_000
"""Files below one path, and folders; more is a mistake (a home directory, a disk)."""
MOST_BYTES = 1 << 30
"""Of one file."""
MOST_BYTES_IN_ALL = 4 << 30
"""Of all files below the paths of one app."""
_MOST_WAYS = 256
"""To one folder: where links lead to it by more, each folder counts once."""
MOST_APART = 200
"""Files of one app that are watched by themselves: each costs a watch on the way to it."""
_SIZE = 12
"""Hex digits that a digest is shown with, as those of revisions."""
_BLOCK = 1 << 20

Identity = tuple[int, int]
"""Device and inode."""


class TreeTooLarge(Exception):
    """There are more files, or bytes, than recon watches."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(str(Sentence(message, remedy)))
        self.message, self.remedy = message, remedy


class Entry(NamedTuple):
    """One file as it was last read."""

    signature: Signature
    digest: bytes


class Found(NamedTuple):
    """What is in a folder."""

    name: str
    path: str
    status: os.stat_result | None
    """None for a link to nothing."""
    apart: bool
    """Its content may change, and its folder not hear of it: a link, a file with other names."""


class Scope:
    """What an app watches, and what of it is left out. Reads nothing."""

    def __init__(
        self, paths: Sequence[str], ignore: Sequence[str], cwd: str, own: OwnFiles | None = None
    ) -> None:
        """``own``: what recon itself writes; it is never content."""
        self.places = {path: os.path.normpath(os.path.join(cwd, path)) for path in paths}
        """Absolute, by the path as people write it."""
        self.ignored = Ignored((*DEFAULTS, *ignore))
        self.own = own or OwnFiles()

    def concerns(self, path: str) -> bool:
        """Whether a file or folder of this absolute path may be content."""
        if self.own.is_log(path):
            return False
        for place in self.places.values():
            if path == place or place.startswith(path + os.sep):
                return True
            if path.startswith(place + os.sep):
                return not self.ignored.hides(path[len(place) + 1 :])
        return False


def _nowhere(path: str) -> None:
    """A place of a look, for callers that do not report it."""


class Trees:
    """The files in one scope, as of the last look."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._files: dict[str, dict[str, Entry]] = {}
        """Per watched path, by the name below it; a watched file itself is ``""``."""
        self._folders: list[str] = []
        self._apart: list[str] = []

    def use(self, scope: Scope) -> None:
        """From now on this is the scope; what was read is not read again."""
        self._scope = scope

    def look(self, at: Callable[[str], None] = _nowhere) -> Mapping[str, str]:
        """Read what has changed; the digest of each path that has one. Raises TreeTooLarge.

        ``at`` is called with each path before it is touched.
        """
        listings = {}
        self._folders, self._apart = [], []
        for path, place in self._scope.places.items():
            listings[path] = listing = Listing(self._scope, place, at)
            self._folders += listing.folders
            self._apart += listing.apart
        _check_sizes(listings.values())
        read: dict[Signature, bytes | None] = {}
        for path, listing in listings.items():
            self._files[path] = _read(listing, self._files.get(path, {}), read, at)
        digests = ((path, _digest_of(files)) for path, files in self._files.items())
        return {path: digest for path, digest in digests if digest is not None}

    def folders(self) -> set[str]:
        """All folders in which something may come to be content, as of the last look.

        Where a watched path is not there yet: the nearest folder above it that is.
        """
        return {*self._folders, *map(_nearest_folder, self._scope.places.values())}

    def apart(self) -> set[str]:
        """The files that are to be watched by themselves, as of the last look: links, and files
        that have other names, by which they may be written. The first of them, where there are
        too many."""
        return set(sorted(self._apart)[:MOST_APART])

    def discover(self, path: str, at: Callable[[str], None] = _nowhere) -> set[str]:
        """The folders that matter at and below a path that has come to be; empty for a file.

        Nothing is read. Between this and the next look a build that has just made its folder
        writes there, and would not be heard. Raises TreeTooLarge.
        """
        found: set[str] = set()
        for place in self._scope.places.values():
            if place == path or place.startswith(path + os.sep):
                found |= {*Listing(self._scope, place, at).folders, _nearest_folder(place)}
            elif path.startswith(place + os.sep):
                prefix = path[len(place) + 1 :] + "/"
                found |= {*Listing(self._scope, path, at, prefix).folders}
        return found

    def files(self) -> dict[str, bytes]:
        """The digest of every file, by its path as people write it."""
        return {
            os.path.join(path, name) if name else path: entry.digest
            for path, files in self._files.items()
            for name, entry in files.items()
        }


class _TooMany(Exception):
    """More names than ``MOST``, or more ways to one folder than ``_MOST_WAYS``."""


class Listing:
    """All regular files and folders at and below one place, without reading any.

    A folder that is reached by two ways (links) is content under both names, but for a link to
    what it lies in. Where links multiply the names beyond bounds, each folder counts once.
    """

    def __init__(
        self, scope: Scope, place: str, at: Callable[[str], None] = _nowhere, prefix: str = ""
    ) -> None:
        """``prefix``: where ``place`` lies below the watched path. Raises TreeTooLarge."""
        self._scope = scope
        self._at = at
        self._listed: dict[Identity, list[Found]] = {}
        self._pseudo: dict[int, bool] = {}
        for once in (False, True):
            self.files: list[tuple[str, str, os.stat_result]] = []
            """Name (relative to the watched path), path and status."""
            self.folders: list[str] = []
            """Each once, by the first of its names."""
            self.apart: list[str] = []
            """Files whose folder may not hear of a change (``Found.apart``)."""
            self._ways: dict[Identity, int] = {}
            """How often each folder was entered."""
            self._most_ways = 1 if once else _MOST_WAYS
            self._once = once
            try:
                self._begin(place, prefix)
                return
            except (_TooMany, RecursionError):
                pass
        remedy = "watch less of it, or name what to `ignore`"
        raise TreeTooLarge(f"{place} holds more than {MOST:,} files or folders", remedy)

    def _begin(self, place: str, prefix: str) -> None:
        self._at(place)
        is_link = door.is_link(place)
        try:
            status = door.stat(place)
        except UnansweredError:
            raise
        except OSError:
            self.apart += [place] if is_link else []
            return
        if self._is_pseudo(place, status):
            return
        if stat.S_ISREG(status.st_mode) and not self._scope.own.is_log(place):
            self.files.append(("", place, status))
            self.apart += [place] if is_link or status.st_nlink > 1 else []
        elif stat.S_ISDIR(status.st_mode):
            self._below(place, prefix, status, frozenset())

    def _below(
        self, folder: str, prefix: str, status: os.stat_result, above: frozenset[Identity]
    ) -> None:
        """Every file and folder in ``folder``, and below it."""
        identity = (status.st_dev, status.st_ino)
        ways = self._ways.get(identity, 0)
        if identity in above or (self._once and ways):
            return
        if ways == 0 and self._scope.own.has_folder(folder):
            return
        if ways == self._most_ways or len(self._ways) > MOST:
            raise _TooMany
        self._ways[identity] = ways + 1
        if ways == 0:
            self.folders.append(folder)
        for name, path, found, apart in self._entries(folder, identity):
            shown = prefix + name
            is_folder = found is not None and stat.S_ISDIR(found.st_mode)
            if (f"{shown}/" if is_folder else shown) in self._scope.ignored:
                continue
            if apart and not is_folder:
                self.apart.append(path)
            if found is None:
                continue
            if is_folder:
                self._below(path, shown + "/", found, above | {identity})
            else:
                self.files.append((shown, path, found))
            if len(self.files) > MOST:
                raise _TooMany

    def _entries(self, folder: str, identity: Identity) -> Iterator[Found]:
        """The files and folders in a folder; listed once, however often it is reached."""
        if identity not in self._listed:
            self._listed[identity] = [*self._list(folder)]
        for found in self._listed[identity]:
            yield found._replace(path=os.path.join(folder, found.name))

    def _list(self, folder: str) -> Iterator[Found]:
        self._at(folder)
        logs = self._scope.own.logs_in(folder)
        try:
            entries = door.through(folder, _entries_of, folder)
        except UnansweredError:
            raise
        except OSError:
            return
        for entry in entries:
            if is_one_of(logs, entry.name):
                continue
            is_link = entry.is_symlink()
            try:
                status = door.through(entry.path, entry.stat)
            except UnansweredError:
                raise
            except OSError:  # gone since it was listed, or a link to nothing
                if is_link:
                    yield Found(entry.name, entry.path, None, True)
                continue
            kind = status.st_mode
            if (stat.S_ISREG(kind) or stat.S_ISDIR(kind)) and not self._is_pseudo(
                entry.path, status
            ):
                apart = is_link or (stat.S_ISREG(kind) and status.st_nlink > 1)
                yield Found(entry.name, entry.path, status, apart)

    def _is_pseudo(self, path: str, status: os.stat_result) -> bool:
        device = status.st_dev
        if device not in self._pseudo:
            try:
                self._pseudo[device] = door.through(path, is_pseudo, path)
            except OSError:
                return False  # gone since it was listed
        return self._pseudo[device]


def _entries_of(folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(folder) as scan:
        return sorted(scan, key=lambda entry: entry.name)


def _check_sizes(listings: Iterable[Listing]) -> None:
    """Before any file is read. Raises TreeTooLarge."""
    sizes = {
        (status.st_dev, status.st_ino): (status.st_size, path)
        for listing in listings
        for _, path, status in listing.files
    }
    total = sum(size for size, _ in sizes.values())
    most, largest = max(sizes.values(), default=(0, ""))
    if most > MOST_BYTES:
        raise _too_large(largest, most)
    if total > MOST_BYTES_IN_ALL:
        message = (
            f"{_size(total)} are too large to watch (at most {_size(MOST_BYTES_IN_ALL)} in all)"
        )
        remedy = f"the largest is {largest} ({_size(most)}); name what to `ignore`, or watch less"
        raise TreeTooLarge(message, remedy)


def _too_large(path: str, size: int) -> TreeTooLarge:
    message = f"{path} is too large to watch ({_size(size)}, at most {_size(MOST_BYTES)})"
    return TreeTooLarge(message, "name it in `ignore`, or watch less")


def _size(size: int) -> str:
    return f"{size / (1 << 30):,.1f}Gi"


def _read(
    listing: Listing,
    known: Mapping[str, Entry],
    read: dict[Signature, bytes | None],
    at: Callable[[str], None],
) -> dict[str, Entry]:
    """The entries of all files of a listing; what has changed is read, and noted in ``read``:
    a file that has several names is read once."""
    files = {}
    for name, path, status in listing.files:
        seen = _signature(status)
        before = known.get(name)
        if before is not None and before.signature == seen:
            files[name] = before
            continue
        if seen not in read:
            at(path)
            read[seen] = _digest(path, status, before)
        digest = read[seen]
        if digest is not None:
            files[name] = Entry(lasting(seen) or NEVER, digest)
    return files


def _digest_of(files: Mapping[str, Entry]) -> str | None:
    """Of all names and contents; None where there is no file."""
    if not files:
        return None
    whole = hashlib.blake2b(digest_size=_SIZE // 2)
    for name, entry in sorted(files.items()):
        whole.update(os.fsencode(name) + b"\0" + entry.digest)
    return whole.hexdigest()


def changed(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> list[str]:
    """The files that differ, by name."""
    names = before.keys() | after.keys()
    return sorted(name for name in names if before.get(name) != after.get(name))


def _digest(path: str, status: os.stat_result, before: Entry | None) -> bytes | None:
    """Of content and of whether it may be executed; None where it cannot be read (any more).

    Where another program holds a lease on it, it is what it was. TreeTooLarge where it has grown
    since it was listed, or is another file than the one that was.
    """
    whole = hashlib.blake2b(b"x" if status.st_mode & 0o111 else b"-", digest_size=16)
    size = 0
    try:
        descriptor = door.through(path, open_regular, path)
        with open(descriptor, "rb", buffering=0) as file:
            while block := door.through(path, file.read, _BLOCK):
                whole.update(block)
                size += len(block)
                if size > MOST_BYTES:
                    raise _too_large(path, max(size, os.fstat(file.fileno()).st_size))
    except UnansweredError:
        raise
    except OSError as error:
        if error.errno in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
            raise  # recon's own trouble: it must not look like a change
        if error.errno == errno.EWOULDBLOCK and before is not None:
            return before.digest
        return None
    return whole.digest()


def _signature(status: os.stat_result) -> Signature:
    """As ``files.signature`` has it, with the mode: it is part of the digest."""
    return (
        *(status.st_mtime_ns, status.st_ctime_ns),
        *(status.st_size, status.st_ino, status.st_dev, status.st_mode),
    )


def _nearest_folder(place: str) -> str:
    folder = os.path.dirname(place)
    while not door.is_folder(folder) and folder != os.sep:
        folder = os.path.dirname(folder)
    return folder
