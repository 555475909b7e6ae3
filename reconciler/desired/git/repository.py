"""What git is asked of the repository in which the manifests lie. Nothing in it is changed.

Files are read with ``git cat-file``, not ``git archive``: that would leave out what
``.gitattributes`` marks ``export-ignore``.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

LINK = b"120000"
FOLDER = b"040000"


class RepositoryError(Exception):
    """Git cannot answer: a sentence."""


class Entry(NamedTuple):
    """A file, a link or a folder as a commit has it."""

    mode: bytes
    """As ``git ls-tree`` writes it; see LINK, FOLDER."""
    object_id: bytes


class Repository:
    """The repository around a directory. Every method raises RepositoryError."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise RepositoryError(f"{root} is not a directory")
        self._root = root
        answer = self._git("rev-parse", "--show-toplevel", "--show-prefix")
        if answer.returncode != 0:
            message = answer.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
            raise RepositoryError(f"--base needs the manifests in a git repository: {message}")
        top, prefix = os.fsdecode(answer.stdout).removesuffix("\n").split("\n")
        self.top = top
        """The work tree, absolute, links resolved."""
        self.inside = prefix.removesuffix("/")
        """The directory's path in it; empty where it is the work tree itself."""

    def commit(self, revision: str) -> str:
        """The full name of the commit that ``revision`` means."""
        words = ("rev-parse", "--verify", "--quiet", "--end-of-options")
        answer = self._git(*words, f"{revision}^{{commit}}")
        if answer.returncode != 0:
            message = f"git knows no revision {revision} in {self._root}; try `git fetch`"
            raise RepositoryError(message)
        return answer.stdout.decode().strip()

    def merge_base(self, one: str, other: str) -> str | None:
        """The best common ancestor of two commits; None where git knows of none."""
        answer = self._git("merge-base", one, other)
        return answer.stdout.decode().strip() or None if answer.returncode == 0 else None

    def commits_between(self, old: str, new: str) -> int:
        """How many commits ``new`` has that ``old`` has not."""
        return int(self._answer("rev-list", "--count", f"{old}..{new}"))

    def changed_since(self, commit: str) -> frozenset[str]:
        """Files of the work tree that differ from the commit's, by their path in it.

        With those that came and went, and those that are new and not ignored: the next commit may
        take them in. What git ignores belongs to the host.
        """
        diff = ("diff", "--name-only", "--no-renames", "--no-ext-diff", "--no-textconv", "-z")
        new = ("ls-files", "--others", "--exclude-standard", "--full-name", "-z")
        answers = self._answer(*diff, commit, "--"), self._answer(*new, "--", ":/")
        return frozenset(os.fsdecode(name) for all in answers for name in all.split(b"\0") if name)

    def entry(self, commit: str, path: str) -> Entry | None:
        """What a commit has at a path of the work tree; None where it has nothing there."""
        answer = self._answer("ls-tree", "-z", "--full-tree", commit, "--", path)
        about, _, name = answer.removesuffix(b"\0").partition(b"\t")
        if os.fsdecode(name) != path:
            return None
        mode, _, object_id = about.split()
        return Entry(mode, object_id)

    def entries_below(self, commit: str, folder: str) -> Mapping[bytes, Entry]:
        """Files and links below a folder, by their path in it; none where it was not there."""
        tree = self._git("ls-tree", "-r", "-z", "--full-tree", f"{commit}:{folder}")
        found: dict[bytes, Entry] = {}
        for line in tree.stdout.split(b"\0")[:-1] if tree.returncode == 0 else ():
            about, _, name = line.partition(b"\t")
            mode, kind, object_id = about.split()
            if kind == b"blob":
                found[name] = Entry(mode, object_id)
        return found

    def contents(self, entries: Iterator[Entry] | list[Entry]) -> Iterator[bytes]:
        """The content of each, in their order."""
        entries = list(entries)
        wanted = b"".join(entry.object_id + b"\n" for entry in entries)
        answer = self._answer("cat-file", "--batch", stdin=wanted)
        at = 0
        for entry in entries:
            header_end = answer.index(b"\n", at)
            header = answer[at:header_end].split()
            if len(header) != 3:
                missing = entry.object_id.decode()
                raise RepositoryError(f"git lacks the object {missing}; try `git fetch`")
            start = header_end + 1
            at = start + int(header[2]) + 1
            yield answer[start : at - 1]

    def _answer(self, *arguments: str, stdin: bytes = b"") -> bytes:
        answer = self._git(*arguments, stdin=stdin)
        if answer.returncode != 0:
            message = answer.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
            raise RepositoryError(f"git {arguments[0]} failed in {self._root}: {message}")
        return answer.stdout

    def _git(self, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        # A monitor that the repository's own settings name is a program to be run.
        command = ["git", "-C", str(self._root), "-c", "core.fsmonitor=false", *arguments]
        environ = _environment()
        try:
            return subprocess.run(
                command, input=stdin, capture_output=True, check=False, env=environ
            )
        except FileNotFoundError:
            raise RepositoryError("--base needs git, which is not installed") from None


def _environment() -> dict[str, str]:
    """Ours, less what a hook of git is told of *its* repository (githooks(5): GIT_DIR, …)."""
    kept = ("GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM")
    environ = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("GIT_") or name in kept
    }
    return environ | {"GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
