"""`recon completion bash|zsh|fish`: the script that has a shell ask recon at the Tab key."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from reconciler.cli import completion as room
from reconciler.cli.framework.declaration import Argument
from reconciler.cli.framework.errors import OK
from reconciler.cli.framework.options import one_of

SHELLS = ("bash", "zsh", "fish")


def completion(
    shell: Annotated[
        str, Argument(metavar="bash|zsh|fish", help="Your shell.", show_default=False)
    ],
) -> int:
    """Print the script for completion in bash, zsh or fish.

    At the Tab key it offers verbs, options and their values, names of apps, jobs, instances and
    profiles, revisions, reasons of events, labels and fields. Names are asked of the controller;
    where none answers within half a second, they are read from the manifests.
    """
    one_of("SHELL", shell, SHELLS)
    print(Path(room.__path__[0], f"recon.{shell}").read_text(encoding="utf-8"), end="")
    return OK
