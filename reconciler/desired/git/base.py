"""Two sides of a review: the manifests at a git revision, and as they are in the work tree.

What ``apply --dry-run --base REV`` compares. Every file that enters a revision counts: manifests,
env files, secret files, credentials, what is watched, what is built from. Files that git ignores,
or that lie outside the repository, belong to a host: they are the same on both sides, and where
this machine lacks them, both sides have the same stand-in. Nothing is checked that only the host
can tell (that a program or a folder exists).
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

from reconciler.desired.directory.store import ManifestStore
from reconciler.desired.git.repository import FOLDER, LINK, Repository, RepositoryError
from reconciler.desired.manifest.builder import with_builder
from reconciler.desired.text.yaml import MAX_BYTES
from reconciler.desired.watched.content import with_content
from reconciler.desired.watched.trees import Scope
from reconciler.model.state.desired import Desired, Problem, Workload
from reconciler.system.files.trust import Trust

__all__ = ["RepositoryError", "Review", "review_of"]

_SUFFIXES = (b".yaml", b".yml", b".json")
_MOST_LINKS = 40  # path_resolution(7)


@dataclass(frozen=True, slots=True)
class Review:
    """What the manifests said and what they say now."""

    before: Desired
    after: Desired
    commit: str
    """The commit that ``before`` is read from, in full."""
    note: str = ""
    """A sentence where that is not the revision which was asked for."""


def review_of(
    root: Path,
    revision: str,
    *,
    profile: str | None = None,
    environ: Mapping[str, str] = os.environ,
    key: bytes,
    cores: int = 1,
) -> Review:
    """Both sides of a review of the manifests below ``root``. Raises RepositoryError.

    ``revision`` is a revision of git: compared with is the commit at which the work tree's branch
    left it, as for a pull request; ``A...B`` says the same, ``A..B`` means A itself. B is what is
    checked out. ``key`` tells secrets apart; any does.
    """
    root = Path(os.path.realpath(root))
    repository = Repository(root)
    commit, note = _base_of(repository, revision)
    changes = Changes(repository, commit)

    def store(folder: Path, files: Trust) -> ManifestStore:
        return ManifestStore(
            folder,
            profile=profile,
            environ=environ,
            key=key,
            environ_is_controllers=False,
            anchor=root,
            cores=cores,
            files=files,
        )

    with tempfile.TemporaryDirectory(prefix="recon-base-") as folder:
        _write_manifests(changes, repository.inside, Path(folder))
        found = store(Path(folder), _AsCommitted(changes=changes)).scan()
        before = _renamed(found, os.path.abspath(folder), str(root), revision)
    after = store(root, _AsCheckedOut(changes=changes)).scan()
    return Review(
        _with_contents(before, changes, lambda files: commit[:7]),
        _with_contents(after, changes, _named),
        commit,
        note,
    )


def _base_of(repository: Repository, revision: str) -> tuple[str, str]:
    """The commit to compare with, and a sentence where that may surprise."""
    head = repository.commit("HEAD")
    name, dots, other = _parted(revision)
    if repository.commit(other or "HEAD") != head:
        message = f"--base {revision}: {other} is not checked out; run `git switch {other}` first"
        raise RepositoryError(message)
    commit = repository.commit(name or "HEAD")
    if dots == "..":
        return commit, ""
    base = repository.merge_base(commit, head)
    if base is None:
        why = "git knows no common commit (a shallow clone? `git fetch --unshallow`)"
        return commit, f"{why}; comparing with {name} itself"
    ahead = repository.commits_between(base, commit)
    if not ahead or dots:
        return base, ""
    commits = "1 commit" if ahead == 1 else f"{ahead} commits"
    lacks = f"{name} has {commits} that this branch lacks"
    return base, f"{lacks}; comparing with {base[:7]}, where they part ({name}.. compares with it)"


def _parted(revision: str) -> tuple[str, str, str]:
    for dots in ("...", ".."):
        if dots in revision:
            return revision.partition(dots)
    return revision, "", ""


class Changes:
    """What differs between a commit and the work tree."""

    def __init__(self, repository: Repository, commit: str) -> None:
        self.repository, self.commit = repository, commit
        self._top = repository.top
        self._changed = repository.changed_since(commit)

    def __contains__(self, path: str) -> bool:
        """Whether the file of this absolute path is another, or came or went."""
        return self.inside(path) in self._changed

    def paths(self) -> Iterator[str]:
        """Absolute paths of all that changed, in order."""
        return (os.path.join(self._top, name) for name in sorted(self._changed))

    def before(self, path: str) -> bytes | str | None:
        """What a file was at the commit: its content; the path of an equal file on disk; None
        where it was not there. Links are followed as they led then."""
        for _ in range(_MOST_LINKS):
            inside = self.inside(path)
            if inside is None:
                return path
            found = self._follow(inside)
            if not isinstance(found, _Elsewhere):
                return found
            path = found.path
        return None

    def _follow(self, inside: str) -> bytes | str | _Elsewhere | None:
        """The way into the work tree, step by step, to the file or to the first link."""
        steps = inside.split("/")
        for depth in range(1, len(steps) + 1):
            here, rest = "/".join(steps[:depth]), steps[depth:]
            on_disk = os.path.join(self._top, here)
            if here not in self._changed:
                if os.path.islink(on_disk):
                    return self._led(here, os.readlink(on_disk), rest)
                continue
            entry = self.repository.entry(self.commit, here)
            if entry is None:
                return None
            if entry.mode == FOLDER:
                continue
            (content,) = self.repository.contents([entry])
            if entry.mode == LINK:
                return self._led(here, os.fsdecode(content), rest)
            return None if rest else content
        return os.path.join(self._top, inside)

    def _led(self, link: str, target: str, rest: list[str]) -> _Elsewhere:
        folder = os.path.join(self._top, os.path.dirname(link))
        return _Elsewhere(os.path.normpath(os.path.join(folder, target, *rest)))

    def inside(self, path: str) -> str | None:
        """The path in the work tree; None for one outside of it."""
        for way in (path, os.path.realpath(path)):
            if way.startswith(self._top + os.sep):
                return way[len(self._top) + 1 :]
        return None


@dataclass(frozen=True, slots=True)
class _Elsewhere:
    """Where a link leads."""

    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _AsCheckedOut(Trust):
    """Opens files as they are in the work tree."""

    changes: Changes
    is_review: ClassVar[bool] = True

    def may_lack(self, path: str) -> bool:
        return path not in self.changes


@dataclass(frozen=True, slots=True, kw_only=True)
class _AsCommitted(_AsCheckedOut):
    """Opens files as they were at the commit."""

    def exists(self, path: str) -> bool:
        found = self.changes.before(path)
        return os.path.lexists(found) if isinstance(found, str) else found is not None

    def may_lack(self, path: str) -> bool:
        return isinstance(self.changes.before(path), str)

    def open(self, path: str) -> int:
        found = self.changes.before(path)
        if found is None:
            raise FileNotFoundError(path)
        return _in_memory(found) if isinstance(found, bytes) else Trust.open(self, found)


def _in_memory(content: bytes) -> int:
    descriptor = os.memfd_create("recon-base", os.MFD_CLOEXEC)
    with open(descriptor, "wb", closefd=False) as file:
        file.write(content)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


def _write_manifests(changes: Changes, inside: str, folder: Path) -> None:
    """The manifests below a folder of the work tree, with those that links of it lead to."""
    repository, commit = changes.repository, changes.commit
    entries = {
        os.fsdecode(name): entry
        for name, entry in repository.entries_below(commit, inside).items()
        if name.endswith(_SUFFIXES) or entry.mode == LINK
    }
    contents = repository.contents([*entries.values()])
    for (name, entry), content in zip(entries.items(), contents, strict=True):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.mode != LINK:
            _write(path, content)
            continue
        target = os.path.normpath(os.path.join(os.path.dirname(name), os.fsdecode(content)))
        if not target.startswith(("/", "..")):  # it leads to what is written here as well
            path.symlink_to(os.fsdecode(content))
            continue
        found = changes.before(os.path.join(repository.top, inside, name))
        if isinstance(found, bytes):
            _write(path, found)
        elif found is not None and (below := changes.inside(found)) and os.path.isdir(found):
            _write_manifests(changes, below, path)
        else:
            path.symlink_to(found or os.fsdecode(content))


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        if len(content) > MAX_BYTES:  # its size is what is wrong with it
            file.truncate(len(content))
        else:
            file.write(content)


def _with_contents(
    desired: Desired, changes: Changes, label: Callable[[Sequence[str]], str]
) -> Desired:
    """With what is watched and built from, wherever a file of it changed, and with the builders.

    No digest is made of what did not change: only the difference is shown.
    """
    changed = [*changes.paths()]

    def found(app: Workload) -> Workload:
        watch = app.spec.watch
        if watch is None:
            return app
        contents = {}
        for path in watch.paths:
            folders = {app.spec.cwd, os.path.realpath(app.spec.cwd)}
            scopes = [Scope((path,), watch.ignore, folder) for folder in folders]
            files = [file for file in changed if any(scope.concerns(file) for scope in scopes)]
            if files:
                contents[path] = label(files)
        return with_content(app, contents)

    apps = [one for app in desired.apps.values() for one in with_builder(app, found)]
    return replace(desired, apps={app.name: app for app in apps})


def _named(files: Sequence[str]) -> str:
    name, more = os.path.basename(files[0]), len(files) - 1
    return f"{name} and {more} more" if more else name


def _renamed(desired: Desired, folder: str, root: str, revision: str) -> Desired:
    """With the directory's own names in the place of the temporary folder's."""

    def problem(found: Problem) -> Problem:
        file = os.path.relpath(found.file, folder)
        message, remedy = found.message.replace(folder, root), found.remedy.replace(folder, root)
        return replace(found, file=f"{revision}:{file}", message=message, remedy=remedy)

    def app(found: Workload) -> Workload:
        file = root + found.source.file.removeprefix(folder)
        source = replace(found.source, file=file)
        return replace(found, source=source, problem=found.problem and problem(found.problem))

    return replace(
        desired,
        apps={name: app(found) for name, found in desired.apps.items()},
        problems=tuple(map(problem, desired.problems)),
    )
