"""The commit that is checked out in the repository around a directory, read without git.

Two or three small files, whose content is believed only where it is the name of a commit.
"""

from __future__ import annotations

import re
from pathlib import Path

from reconciler.desired.files import read_regular
from reconciler.system.files.trust import Trust
from reconciler.system.work import door

_LARGEST = 4096
_PACKED = 16 * 2**20
"""Bytes of packed-refs: some 200,000 branches."""
_LEVELS = 40
"""Folders above the directory in which a repository is looked for."""
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_SYMBOLIC = re.compile(r"ref: (refs/[\w./@+-]{1,200})")
_LINK = re.compile(r"gitdir: (.{1,4000})")
_ANYBODY = Trust()


def commit_of(folder: Path) -> str:
    """The full name of the commit; empty where there is no repository, or no commit in it. OSError
    where a file cannot be read."""
    for place in [folder, *folder.parents][:_LEVELS]:
        git = place / ".git"
        if door.lexists(git):
            return _head(git if door.is_folder(git) else _linked(git))
    return ""


def _linked(file: Path) -> Path:
    """The folder that stands for ``.git`` in a worktree or a submodule."""
    found = _LINK.fullmatch(_read(file))
    return file.parent / found[1] if found is not None else file


def _head(git: Path) -> str:
    head = _read(git / "HEAD")
    if _COMMIT.fullmatch(head):
        return head
    symbolic = _SYMBOLIC.fullmatch(head)
    if symbolic is None or ".." in symbolic[1]:
        return ""
    name = symbolic[1]
    common = git / "commondir"
    shared = git / _read(common) if door.lexists(common) else git
    for place in (git, shared):
        if door.lexists(place / name):
            found = _read(place / name)
            return found if _COMMIT.fullmatch(found) else ""
    return _packed(shared / "packed-refs", name)


def _packed(file: Path, name: str) -> str:
    if not door.lexists(file):
        return ""
    # Found by bytes: a pattern would hold the interpreter, and the event loop, for a large file.
    before, found, _ = (_bytes(file, _PACKED) + b"\n").partition(f" {name}\n".encode())
    commit = before[before.rfind(b"\n") + 1 :].decode(errors="replace") if found else ""
    return commit if _COMMIT.fullmatch(commit) else ""


def _read(file: Path) -> str:
    return _bytes(file, _LARGEST).decode(errors="replace").strip()


def _bytes(file: Path, limit: int) -> bytes:
    return read_regular(str(file), limit, _ANYBODY)
