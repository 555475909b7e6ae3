"""The first lines of `recon run`: what is managed, what is wrong, what to try next."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from reconciler import __version__
from reconciler.loop.controller import Controller
from reconciler.model.words.printable import plain
from reconciler.system import sd_notify

_NAMED = 8
"""Apps that are named; of the rest there is "…"."""


def show(controller: Controller) -> None:
    """Print what is managed, and what to try next."""
    options = controller.options
    if options.down:
        return
    apps = controller.declared()
    instances = sum(app.spec.wanted for app in apps.values())
    names = ", ".join(sorted(apps)[:_NAMED]) + (", …" if len(apps) > _NAMED else "")
    manifests = _from_here(options.manifests)
    say(f"recon {__version__}: {len(apps)} apps, {instances} instances: {names}")
    made = controller.plan()
    for problem in made.problems:
        say(f"  {plain(str(problem))}")
    for app in made.apps:
        if app.status.load is not None:
            say(f"  {app.app}: {plain(app.status.message)}")
    say(f"manifests in {plain(manifests)}, state and logs in {options.paths.root}")
    if sd_notify.is_heard():
        return  # the readers of a journal have no Ctrl-C to press
    say("Ctrl-C stops them all. In another terminal try:")
    recon = _program()
    for words, hint in (
        ("status", f"then edit a file in {manifests}, and look again"),
        ("logs -f", "what they write, merged"),
        ("events -f", "then kill -9 one of them, or this controller"),
    ):
        say(f"  {f'{recon} {words}':<28} {hint}")


def _program() -> str:
    """The command by which people call this very recon from here."""
    program = Path(sys.executable).with_name("recon")
    found = shutil.which("recon")
    if found is not None and os.path.realpath(found) == os.path.realpath(program):
        return "recon"
    return _from_here(program) if program.exists() else f"{sys.executable} -m reconciler"


def _from_here(path: Path) -> str:
    """The path relative to the working directory; absolute in a service, whose directory is `/`."""
    return os.path.relpath(path) if os.getcwd() != "/" else os.path.abspath(path)


def say(line: str) -> None:
    """Print a line at once, also into a pipe."""
    print(line, flush=True)
