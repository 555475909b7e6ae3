"""Secrets in manifests, for `recon validate`: advice on them, and `--fix`, which moves them.

No value is ever printed: of an edit that takes one away a mask is shown in its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.checks.secret_permissions import exposed
from reconciler.cli.framework.editing import show
from reconciler.cli.framework.errors import CliError
from reconciler.desired.edits.edit import Edit
from reconciler.desired.environment.secretfile import (
    Home,
    Literal,
    home_of,
    keep_out_of_git,
    literals,
    masked,
    moved,
    write,
)
from reconciler.desired.text.edit import EditError
from reconciler.desired.text.yaml import Fault
from reconciler.desired.text.yaml import Path as Steps
from reconciler.diff.lint.hardcoded_secrets import literals_in, secret_in
from reconciler.model.state.desired import Workload
from reconciler.render.formats import place as seen
from reconciler.system.files.replace import held_file

LEAST = 8
"""Characters of a value that is the same key wherever it stands; a shorter one may be chance."""
_FIX = "`recon validate --fix` moves it to a file"
_BY_HAND = "hand it over by env.NAME: {secretFile: FILE}"


@dataclass(slots=True)
class Fixed:
    """What `--fix` did to one file."""

    file: str
    moves: list[tuple[Literal, Home]] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Sentences on what it could not do."""


def advice_on_secrets(app: Workload) -> Iterator[tuple[Steps, str]]:
    """(field, a sentence): literals that look like keys, and files that others can get at."""
    for path, what in literals_in(app.spec, app.labels):
        if path[0] == "env":
            message = f"this looks like {what}, and text is shown and stored as it is: {_FIX}"
        elif path[0] == "metadata":
            message = f"this looks like {what}, and labels are shown everywhere: take it out"
        else:
            message = f"this looks like {what}, and every user of this host can see it: {_BY_HAND}"
            if "httpHeaders" in path:
                message = f"this looks like {what}, and text is shown and stored as it is: use exec"
        yield path, message
    yield from exposed(app.spec)


def fix(apps: Iterable[Workload], *, quiet: bool = False) -> list[Fixed]:
    """Move what looks like a key into files of its own, and show each edit. CliError."""
    names: dict[str, list[str]] = {}
    for app in apps:
        names.setdefault(app.source.file, []).append(app.name)
    homes: dict[tuple[str, str], Home] = {}
    return [
        done
        for file in sorted(names)
        if (done := _fix_file(file, sorted(names[file]), homes, quiet=quiet)).moves or done.left
    ]


def _fix_file(
    file: str, names: list[str], homes: dict[tuple[str, str], Home], *, quiet: bool
) -> Fixed:
    """One manifest: the files first, then the edit of it, at once."""
    done, path = Fixed(file), Path(file)
    before = after = shown = path.read_bytes()
    found = _keys(before, names, file)
    homed = [(literal, _home(literal, file, homes)) for literal in found]
    # From the end: so an anchor stays until nothing refers to it any more.
    for literal, home in reversed(homed):
        try:
            after, shown = moved(after, literal, home, file), masked(shown, literal)
        except EditError as error:
            done.left.insert(0, f"{seen(file)}:{literal.line}: {error}")
        else:
            done.moves.insert(0, (literal, home))
    if not done.moves:
        return done
    try:
        _carry_out(path, before, after, done)
    except OSError as error:
        where = error.filename or file
        raise CliError(f"{where}: {error.strerror or error}; the manifest is as it was") from None
    if not quiet:
        show(file, Edit(file, shown, after).hunks(context=0))
    return done


def _keys(text: bytes, names: list[str], file: str) -> list[Literal]:
    """What is to be moved, in the order of the file: keys, and whatever has the same value."""
    try:
        found = [one for name in names for one in literals(text, name)]
    except Fault as fault:  # changed since it was validated
        raise CliError(f"{seen(file)}:{fault.line}: {fault}; nothing was moved") from None
    values = {one.value for one in found if secret_in(one.name, one.value)}
    chosen = [
        one
        for one in found
        if one.value in values and (len(one.value) >= LEAST or secret_in(one.name, one.value))
    ]
    return sorted(chosen, key=lambda one: one.start)


def _home(literal: Literal, file: str, homes: dict[tuple[str, str], Home]) -> Home:
    """Of one value in one folder: a key that is written four times has one file."""
    folder = str(Path(file).parent)
    known = homes.get((folder, literal.value))
    if known is None:
        taken = {home.file for home in homes.values()}
        known = homes[folder, literal.value] = home_of(literal, file, taken)
    return known


def _carry_out(path: Path, before: bytes, after: bytes, done: Fixed) -> None:
    status = path.stat()
    owner = (status.st_uid, status.st_gid)
    for home in {home.file: home for _, home in done.moves}.values():
        write(home, owner)
    keep_out_of_git(str(path), owner)
    with held_file(str(path)) as file:
        file.replace(before, after)


def report(done: list[Fixed]) -> Iterator[str]:
    """What was done, below the edits."""
    for one in done:
        for file in dict.fromkeys(home.file for _, home in one.moves):
            names = [literal.name for literal, home in one.moves if home.file == file]
            yield f"{', '.join(dict.fromkeys(names))} now in {seen(str(file))} (mode 0600)"
        apps = dict.fromkeys(literal.app for literal, _ in one.moves)
        for app in apps:
            yield f"{app}: its processes are replaced when this is applied, with the same values"
        yield from one.left
    if any(one.moves for one in done):
        yield "A key that was ever committed or sent is known: have a new one issued."
