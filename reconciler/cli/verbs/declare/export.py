"""`recon export systemd`: the declared apps as units, with a report of the differences."""

from __future__ import annotations

import os
import pwd
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from reconciler.cli.boot import unit
from reconciler.cli.framework.declaration import Option
from reconciler.cli.framework.errors import ERROR, OK, CliError, usage
from reconciler.cli.framework.options import (
    Apps,
    Manifests,
    Profile,
    StateDir,
    one_of,
    where,
    whole_number,
)
from reconciler.cli.framework.output import print_json
from reconciler.cli.verbs.declare.exporting import (
    FORMAT_VERSION,
    declared,
    notes_document,
    report_lines,
)
from reconciler.convert.systemd.draft import Target
from reconciler.convert.systemd.unitfile import Unwritable
from reconciler.convert.systemd.units import EVERYWHERE, MARK, Exported
from reconciler.convert.systemd.units import export as convert
from reconciler.render.formats import place
from reconciler.system.clock import local_zone
from reconciler.system.init_system import systemd_version

_NEWEST = 257


def export() -> None:
    """Write what is declared in another system's words."""


def systemd(
    apps: Apps = None,
    *,
    output: Annotated[
        str | None,
        Option("--output", "-o", metavar="DIR", help="Write files here, not to the terminal."),
    ] = None,
    user: Annotated[bool, Option("--user", help="Units for a user's own service manager.")] = False,
    prefix: Annotated[
        str, Option("--prefix", metavar="TEXT", help="Prefix of each unit's name.")
    ] = "",
    version: Annotated[
        str | None,
        Option("--for", metavar="N", help="Version of systemd [this host's]."),
    ] = None,
    report: Annotated[
        str,
        Option("--report", metavar="text|json", help="Form of the report."),
    ] = "text",
    manifests: Manifests = "manifests",
    state_dir: StateDir = None,
    profile: Profile = None,
) -> int:
    """Write systemd units of the same meaning, and report what no unit can say.

    Nothing on this host is changed. Values of secrets are never written: they stay in their files.
    """
    one_of("--report", report, ("text", "json"))
    here = where(manifests, state_dir, profile)
    number = whole_number("--for", version, 1) if version else systemd_version() or _NEWEST
    search = os.environ.get("PATH") or os.defpath
    if not re.fullmatch(r"[A-Za-z0-9:_.-]*", prefix):
        raise usage(f"--prefix {prefix!r} cannot begin the name of a unit; use a-z, 0-9, - and .")
    account = pwd.getpwuid(os.geteuid()).pw_name
    target = Target(number, user, account, prefix, search, local_zone())
    chosen, problems = declared(here, apps)
    try:
        made = convert(chosen, target)
    except Unwritable as error:
        raise CliError(str(error)) from None
    written = [*_write(made, Path(output))] if output is not None else []
    if report == "json":
        document = _document(made, written, problems, prints=output is None)
        print_json(document)
    else:
        _print(made, written, problems, Path(output) if output is not None else None)
    return ERROR if problems else OK


def _write(made: Exported, folder: Path) -> Iterator[str]:
    for name, text in made.units.items():
        unit.write(folder / name, text, mark=MARK)
        yield str(folder / name)


def _document(
    made: Exported, written: list[str], problems: list[str], *, prints: bool
) -> dict[str, Any]:
    document: dict[str, Any] = {
        "formatVersion": FORMAT_VERSION,
        "notes": notes_document(made.notes),
        "general": list(EVERYWHERE),
        "enable": list(made.enable),
        "written": written,
        "problems": problems,
    }
    return {**document, "units": dict(made.units)} if prints else document


def _print(made: Exported, written: list[str], problems: list[str], folder: Path | None) -> None:
    """Units to standard output, so that they can be piped; the report beside it."""
    for name, text in made.units.items() if folder is None else ():
        print(f"# --- {name}\n{text}")
    out = sys.stdout if folder is not None else sys.stderr
    for file in written:
        print(f"wrote {place(file)}", file=out)
    for line in _report(made, problems, folder):
        print(line, file=out)


def _report(made: Exported, problems: list[str], folder: Path | None) -> Iterator[str]:
    yield from report_lines(made.notes, EVERYWHERE, problems)
    if folder is not None and made.enable:
        yield "To change over: recon down, copy the files to /etc/systemd/system, then"
        yield "  systemctl daemon-reload"
        yield f"  systemctl enable --now {' '.join(made.enable)}"
