"""A literal leaves its manifest for a file: `recon validate --fix`.

The file is written, whole and on disk, before anything refers to it; it takes the place of no
other. So an end in between leaves a file that the next try finds and uses, never a manifest that
refers to nothing. What is written is read back as the controller will read it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconciler.desired.directory.names import is_manifest_name
from reconciler.desired.environment.variables import secret_text
from reconciler.desired.files import sync_folder
from reconciler.desired.text import yaml
from reconciler.desired.text.edit import set_field
from reconciler.desired.text.locate import declarations
from reconciler.desired.text.yaml import Path as Steps
from reconciler.model.words.mask import MASK
from reconciler.system.files.trust import trusting

FOLDER = "secrets"


@dataclass(frozen=True, slots=True)
class Literal:
    """A variable that a manifest gives as text."""

    app: str
    path: Steps
    """From the document's top."""
    name: str
    value: str
    start: int
    """Where the value stands, in characters of the file."""
    line: int


@dataclass(frozen=True, slots=True)
class Home:
    """Where a value is to lie."""

    file: Path
    value: str

    @property
    def content(self) -> str:
        """What is read back as ``value``, less one line end."""
        return self.value + ("\r\n" if self.value.endswith("\r") else "\n")


def literals(text: bytes, app: str) -> Iterator[Literal]:
    """The variables that ``app`` gives as text in a file, in all profiles."""
    for document in declarations(yaml.parse(yaml.decode(text)), app):
        spec = document.data.get("spec") or {}
        profiles = spec.get("profiles") or {}
        places: list[tuple[Steps, Any]] = [(("spec",), spec)]
        places += [(("spec", "profiles", name), layer) for name, layer in profiles.items()]
        for path, layer in places:
            for name, value in ((layer or {}).get("env") or {}).items():
                where = (*path, "env", name)
                mark = document.marks.get(where)
                if isinstance(value, str) and mark is not None:
                    yield Literal(app, where, name, value, mark.start, mark.line)


def home_of(literal: Literal, manifest: str, taken: set[Path]) -> Home:
    """A file beside the manifest: ``secrets/<app>/<NAME>``, with a number where that is another's.

    ``taken`` are homes of other values. A file that already holds the value is its home: an
    earlier try may have ended before the manifest was written.
    """
    name = literal.name + (".secret" if is_manifest_name(literal.name) else "")
    folder = Path(manifest).parent / FOLDER / literal.app
    number = 1
    while True:
        home = Home(folder / (f"{name}.{number}" if number > 1 else name), literal.value)
        if home.file not in taken and (not os.path.lexists(home.file) or holds(home)):
            return home
        number += 1


def holds(home: Home) -> bool:
    """Whether the file is there, and read as the value."""
    try:
        return secret_text(str(home.file), trusting()) == home.value
    except (OSError, ValueError):
        return False


def moved(text: bytes, literal: Literal, home: Home, manifest: str) -> bytes:
    """``text`` with a reference in the place of the value. EditError as of ``set_field``."""
    written = os.path.relpath(home.file, Path(manifest).parent)
    return set_field(text, literal.app, literal.path, {"secretFile": written})


def masked(text: bytes, literal: Literal) -> bytes:
    """``text`` as it may be shown: with a mask in the place of the value. EditError."""
    return set_field(text, literal.app, literal.path, MASK)


def write(home: Home, owner: tuple[int, int]) -> None:
    """Write the file, mode 0600, for ``owner``; one that holds the value already is left. OSError.

    ``owner`` is the manifest's: who runs recon can read that, and its own secrets as well. The
    app's user gets the value in the environment and needs no file.
    """
    folder = home.file.parent
    for one in (folder.parent, folder):
        if not one.is_dir():
            one.mkdir(mode=0o700)
            _give(one, owner)
    if home.file.is_file() and holds(home):
        return
    fresh = folder / f".{home.file.name}.{os.getpid()}.tmp"
    try:
        descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, 0o600)
            file.write(home.content.encode())
            file.flush()
            os.fsync(descriptor)
        _give(fresh, owner)
        os.link(fresh, home.file)  # fails where a file is, which a rename would replace
    finally:
        fresh.unlink(missing_ok=True)
    sync_folder(str(folder))
    if not holds(home):
        raise OSError(f"{home.file} cannot be read back as it was written")


def keep_out_of_git(manifest: str, owner: tuple[int, int]) -> Path | None:
    """Have git ignore the folder of secrets, in a work tree; the file, if one was made."""
    folder = Path(manifest).parent
    if not in_work_tree(folder):
        return None
    file = folder / FOLDER / ".gitignore"
    if os.path.lexists(file):
        return None
    file.write_text("*\n")
    _give(file, owner)
    return file


def in_work_tree(folder: Path) -> bool:
    """Whether the folder, which may not be there yet, is in a git work tree."""
    return any(os.path.lexists(above / ".git") for above in (folder, *folder.absolute().parents))


def _give(path: Path, owner: tuple[int, int]) -> None:
    if owner != (os.geteuid(), os.getegid()) and os.geteuid() == 0:
        os.chown(path, *owner, follow_symlinks=False)
