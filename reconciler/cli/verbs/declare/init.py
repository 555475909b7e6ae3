"""`recon init`: the first manifests, and the schema by which an editor knows their fields."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from reconciler.cli.framework.declaration import Argument, Option
from reconciler.cli.framework.errors import OK, CliError, usage
from reconciler.cli.framework.options import Manifests, StateDir, where

_STARTER = Path(__file__).with_name("starter")
SCHEMA = ".recon.schema.json"
"""Beside the manifests; a hidden file, so that recon does not take it for one of them."""
MODELINE = f"# yaml-language-server: $schema={SCHEMA}\n"
"""Read by the YAML extensions of VS Code, Vim, Neovim, Emacs, Helix and JetBrains' editors."""


def init(
    directory: Annotated[
        str | None,
        Argument(metavar="DIR", help="Instead of --manifests.", show_default=False),
    ] = None,
    manifests: Manifests = "manifests",
    *,
    state_dir: StateDir = None,
    dashboard: Annotated[
        bool, Option("--dashboard", help="Write one that has recon run its own page.")
    ] = False,
    command: Annotated[
        list[str] | None,
        Argument(
            metavar="COMMAND",
            help="Behind `--`: write the manifest of this command.",
            show_default=False,
            behind_dashes=True,
        ),
    ] = None,
) -> int:
    """Write a first manifest to begin with.

    With a command behind `--` it is that command's: `recon init -- node server.js`. What stands in
    the folder is taken into account: package.json, pyproject.toml, a Procfile, .env, a virtual
    environment. A line of a crontab, in quotes, becomes a Job. Nothing is started.
    The manifest begins with a line for editors that know yaml-language-server. Never overwrites
    anything.
    """
    root = Path(directory or manifests)
    if dashboard and command:
        raise usage("--dashboard writes a manifest of its own; leave the command out")
    if dashboard:
        from reconciler.cli.verbs.declare.own_page import write_page  # noqa: PLC0415  only here

        print(f"wrote {write_page(root, where(str(root), state_dir, new=True).paths)}")
        print("`recon dashboard` prints a link that opens the page, once it runs.")
        return OK
    return _first_of(command, root) if command else _starter(root)


def _starter(root: Path) -> int:
    """Write the example, into a directory that has no manifests."""
    sources = [(file, root / file.name) for file in sorted(_STARTER.glob("*.yaml"))]
    there = [str(target) for _, target in sources if target.exists()]
    if there or (root.is_dir() and any(root.glob("*.y*ml"))):
        what = there[0] if there else str(root)
        raise CliError(f"{what} already exists; nothing was written")
    root.mkdir(parents=True, exist_ok=True)
    for source, target in sources:
        with target.open("x", encoding="utf-8") as file:
            file.write(MODELINE + source.read_text(encoding="utf-8"))
        print(f"wrote {target}")
    _write_schema(root)
    option = "" if str(root) == "manifests" else f" -m {root}"
    print(f"Check it, then run `recon apply{option}`; `recon status` shows what runs.")
    return OK


def _first_of(command: list[str], root: Path) -> int:
    """Write the manifest of one command, beside those that are there."""
    from reconciler.cli.verbs.imports.import_ import deliver  # noqa: PLC0415  reads manifests
    from reconciler.convert.command.first import draft_of  # noqa: PLC0415  reads manifests
    from reconciler.convert.host import this_host  # noqa: PLC0415
    from reconciler.convert.manifests.finalise import Bundle, bundle  # noqa: PLC0415
    from reconciler.convert.manifests.writing import declared  # noqa: PLC0415

    directory = os.path.abspath(root)

    def make() -> Bundle:
        taken = {*_files(root), *(declared(directory) if root.is_dir() else ())}
        anywhere = this_host(directory).any_address
        made = bundle([draft_of(command, os.getcwd(), taken, anywhere=anywhere)], directory)
        for path, text in made.manifests.items():
            made.manifests[path] = MODELINE + text
        return made

    done = deliver(make, "text", dry_run=False)
    _write_schema(root)
    return done


def _files(root: Path) -> Iterable[str]:
    """Names that a file of the directory has already."""
    return (file.stem for file in root.glob("*.yaml"))


def _write_schema(root: Path) -> None:
    """The schema that the first line of a manifest names, unless one is there."""
    from reconciler.cli.verbs.declare.schema import document  # noqa: PLC0415  the models are heavy

    try:
        with (root / SCHEMA).open("x", encoding="utf-8") as file:
            file.write(json.dumps(document(), indent=1, ensure_ascii=False) + "\n")
    except FileExistsError:
        pass
