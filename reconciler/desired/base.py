"""The manifests as they were at a git revision: what ``apply --dry-run --base REV`` compares with.

Files are read with ``git cat-file``, not ``git archive``: that would leave out what
``.gitattributes`` marks ``export-ignore``. Nothing is checked that only the real directory can
tell (that a program or a folder exists).
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from reconciler.desired.store import ManifestStore
from reconciler.desired.yaml import MAX_BYTES
from reconciler.model.desired import Desired, DesiredApp, Problem

_SUFFIXES = (b".yaml", b".yml", b".json")
_LINK = b"120000"


class BaseError(Exception):
    """The revision cannot be read: a sentence."""


def load_base(
    root: Path,
    revision: str,
    *,
    profile: str | None = None,
    environ: Mapping[str, str] = os.environ,
    key: bytes | None = None,
    cores: int = 1,
) -> Desired:
    """What the manifests below ``root`` said at ``revision``. Raises BaseError.

    Sources name the files as they are called in the directory, problems as ``REV:file``. A
    directory that was not there yet declares nothing.
    """
    root = Path(os.path.realpath(root))
    inside = _inside(root)
    commit = _commit(root, revision)
    with tempfile.TemporaryDirectory(prefix="recon-base-") as folder:
        for name, mode, content in _files(root, commit, inside):
            _write(Path(folder) / os.fsdecode(name), mode, content)
        store = ManifestStore(
            Path(folder),
            profile=profile,
            environ=environ,
            key=key,
            environ_is_controllers=False,
            anchor=root,
            cores=cores,
        )
        return _renamed(store.scan(), os.path.abspath(folder), str(root), revision)


def _inside(root: Path) -> str:
    """The path of ``root`` in its work tree, ``""`` or ending in a slash."""
    if not root.is_dir():
        raise BaseError(f"{root} is not a directory")
    answer = _git(root, "rev-parse", "--show-prefix")
    if answer.returncode != 0:
        said = answer.stderr.decode(errors="replace").strip().removeprefix("fatal: ")
        raise BaseError(f"--base needs the manifests in a git repository; {root}: {said}")
    return os.fsdecode(answer.stdout).removesuffix("\n")


def _commit(root: Path, revision: str) -> str:
    answer = _git(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    if answer.returncode != 0:
        raise BaseError(f"git knows no revision {revision} in {root}; try `git fetch`")
    return answer.stdout.decode().strip()


def _files(root: Path, commit: str, inside: str) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Name below ``root``, mode and content of each manifest."""
    where = f"{commit}:{inside.removesuffix('/')}"
    tree = _git(root, "ls-tree", "-r", "-z", "--full-tree", where)
    if tree.returncode != 0:  # the directory was not there yet
        return
    entries: list[tuple[bytes, bytes, bytes]] = []
    for line in tree.stdout.split(b"\0")[:-1]:
        about, _, name = line.partition(b"\t")
        mode, kind, object_id = about.split()
        if kind == b"blob" and (name.endswith(_SUFFIXES) or mode == _LINK):
            entries.append((name, mode, object_id))
    wanted = b"".join(object_id + b"\n" for _, _, object_id in entries)
    contents = _git(root, "cat-file", "--batch", stdin=wanted).stdout
    at = 0
    for name, mode, _ in entries:
        header_end = contents.index(b"\n", at)
        size = int(contents[at:header_end].split()[2])
        at = header_end + 1 + size + 1
        yield name, mode, contents[header_end + 1 : at - 1]


def _write(path: Path, mode: bytes, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if mode == _LINK:
        path.symlink_to(os.fsdecode(content))
    elif len(content) > MAX_BYTES:
        with path.open("wb") as file:
            file.truncate(len(content))
    else:
        path.write_bytes(content)


def _renamed(desired: Desired, folder: str, root: str, revision: str) -> Desired:
    """With the directory's own names in the place of the temporary folder's."""

    def problem(found: Problem) -> Problem:
        file = os.path.relpath(found.file, folder)
        return replace(
            found, file=f"{revision}:{file}", message=found.message.replace(folder, root)
        )

    def app(found: DesiredApp) -> DesiredApp:
        file = root + found.source.file.removeprefix(folder)
        source = replace(found.source, file=file)
        return replace(found, source=source, problem=found.problem and problem(found.problem))

    return replace(
        desired,
        apps={name: app(found) for name, found in desired.apps.items()},
        problems=tuple(map(problem, desired.problems)),
    )


def _git(root: Path, *arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = ["git", "-C", str(root), *arguments]
    try:
        return subprocess.run(command, input=stdin, capture_output=True, check=False)
    except FileNotFoundError:
        raise BaseError("--base needs git, which is not installed") from None
