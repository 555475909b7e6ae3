"""`recon man`: manual pages made from the help, shown or written for man(1) to find."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from reconciler import __version__
from reconciler.cli.framework.declaration import Argument, Option
from reconciler.cli.framework.errors import ERROR, OK, usage
from reconciler.cli.manual.page import page, pages
from reconciler.cli.manual.roff import file_of, roff
from reconciler.render.terminal import is_terminal

_READERS = (("man", "-l", "-"), ("mandoc", "-a"))
"""Programs that show a page of standard input on a terminal."""


def man(
    verb: Annotated[
        list[str] | None,
        Argument(metavar="VERB", help="Of this verb: apply, rollout undo.", show_default=False),
    ] = None,
    *,
    output: Annotated[
        str | None,
        Option("--output", "-o", metavar="DIR", help="Write all pages into this directory."),
    ] = None,
) -> int:
    """Show the manual page of recon or of a verb, or write all pages.

    On a terminal man(1) shows the page. Elsewhere the page is printed as roff, its source.
    With -o all pages are written, for man(1) to find them: into a directory `man1` below one of
    those that manpath(1) prints.
    """
    if output is not None:
        if verb:
            raise usage("--output writes all pages; name no verb, or leave it out")
        return _write(Path(output))
    path = " ".join(verb or ())
    found = page(path)
    if found is None:
        raise usage(f"{path!r} is not a verb of recon; `recon --help` lists them")
    return _show(roff(found, version=__version__, date=_date()))


def _write(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    number = 0
    for one in pages():
        text = roff(one, version=__version__, date=_date())
        (folder / file_of(one.path)).write_text(text, encoding="ascii")
        number += 1
    print(f"wrote {number} pages to {folder}; read them with: man recon")
    return OK


def _show(text: str) -> int:
    reader = next((one for one in _READERS if shutil.which(one[0])), None)
    if not is_terminal() or reader is None:
        print(text, end="")
        return OK
    sys.stdout.flush()
    done = subprocess.run(reader, input=text.encode(), check=False)
    return ERROR if done.returncode else OK


def _date() -> str:
    """Of the build, as reproducible-builds.org has it; else today's."""
    given = os.environ.get("SOURCE_DATE_EPOCH", "")
    when = datetime.fromtimestamp(int(given), UTC) if given.isdecimal() else datetime.now(UTC)
    return when.strftime("%Y-%m-%d")
