"""An import reaches the disk: all of it or nothing, and never over a file that is there.

Secrets first, whole and synced; so a manifest never refers to what is not there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from reconciler.convert.errors import ImportFault
from reconciler.convert.manifests.finalise import Bundle
from reconciler.desired.directory.walk import Walk
from reconciler.desired.environment.secretfile import FOLDER, in_work_tree
from reconciler.desired.files import read_regular, sync_folder
from reconciler.desired.text import yaml
from reconciler.system.files.trust import Trust


def check(bundle: Bundle) -> None:
    """ImportFault where a file is in the way, or another manifest has one of the names."""
    paths = [*bundle.manifests, *bundle.vault.files]
    there = [path for path in paths if os.path.lexists(path)]
    if there:
        more = f" and {len(there) - 1} more" if len(there) > 1 else ""
        raise ImportFault(
            f"{there[0]}{more} already exists; nothing was written. Give another directory (-o),"
            " import other apps (--only), or remove that file"
        )
    directory = bundle.vault.directory
    if not os.path.isdir(directory):
        if os.path.lexists(directory):
            raise ImportFault(f"{directory} is not a directory; give another (-o)")
        return
    known = declared(directory)
    for draft in bundle.drafts:
        if draft.title in known:
            raise ImportFault(
                f"{known[draft.title]} declares {draft.title} already; nothing was written."
                " Import under another name with --prefix, or import other apps with --only"
            )


def write(bundle: Bundle) -> list[str]:
    """Paths of the files written, in order. What was made is removed again where one fails."""
    check(bundle)
    done: list[str] = []
    made: list[str] = []
    try:
        for path, content in _files(bundle):
            secret = path in bundle.vault.files or os.path.basename(path) == ".gitignore"
            made += _folders(os.path.dirname(path), 0o700 if secret else 0o777)
            _create(path, content, 0o600 if secret else 0o666)
            done.append(path)
        for folder in {os.path.dirname(path) for path in done}:
            sync_folder(folder)
    except OSError as error:
        _undo(done, made)
        raise ImportFault(
            f"{error.filename or ''}: {error.strerror}; nothing was written"
        ) from None
    return done


def _files(bundle: Bundle) -> Iterable[tuple[str, bytes]]:
    ignored = os.path.join(bundle.vault.directory, FOLDER, ".gitignore")
    if (
        bundle.vault.files
        and in_work_tree(Path(bundle.vault.directory))
        and not os.path.lexists(ignored)
    ):
        yield ignored, b"*\n"
    yield from bundle.vault.contents()
    for path, text in bundle.manifests.items():
        yield path, text.encode()


def _create(path: str, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except OSError as error:
        os.unlink(path)
        error.filename = path
        raise


def _folders(folder: str, mode: int) -> list[str]:
    """Make what is missing of a path; what was made, outermost first."""
    if os.path.isdir(folder):
        return []
    made = _folders(os.path.dirname(folder), mode)
    os.mkdir(folder, mode)
    return [*made, folder]


def _undo(files: list[str], folders: list[str]) -> None:
    for path in files:
        os.unlink(path)
    for folder in reversed(folders):
        os.rmdir(folder)


def declared(directory: str) -> dict[str, str]:
    """Names of the apps that are declared there already, and where."""
    found: dict[str, str] = {}
    for path in Walk(Path(directory), Trust()).files():
        try:
            documents = yaml.parse(yaml.decode(read_regular(path, yaml.MAX_BYTES, Trust())))
        except (OSError, yaml.Fault):
            continue
        for document in documents:
            metadata = document.data.get("metadata") if isinstance(document.data, dict) else None
            if isinstance(metadata, dict) and isinstance(metadata.get("name"), str):
                found[metadata["name"]] = f"{path}:{document.line}"
    return found
