"""The command line by way of typer: help, mistakes, and every unusual spelling."""

from __future__ import annotations

import sys
from typing import Annotated, Any

import typer

from reconciler import __version__
from reconciler.cli.framework.errors import INTERRUPTED, OK, USAGE
from reconciler.cli.framework.typer_private import UsageError, command_of, context_of, show
from reconciler.cli.framework.verb import SETTINGS, Verbs
from reconciler.render.terminal import WIDTH, room

_NARROW = 30
_NAME = "recon"
_EPILOG = "Any verb takes --debug (or RECON_DEBUG=1), which shows where an unexpected error arose."


def call(words: list[str]) -> int:
    """Run ``recon`` with these words; the exit code."""
    try:
        code = _command().main(args=words, prog_name=_NAME, standalone_mode=False)
    except UsageError as error:
        show(error)
        return USAGE
    except typer.Abort:
        return INTERRUPTED
    sys.stdout.flush()
    return code if isinstance(code, int) else OK


def refuse(words: list[str], message: str) -> int:
    """Show a usage error of the verb that these words call; the exit code."""
    show(UsageError(message, context_of(_command(), _NAME, words)))
    return USAGE


def _command() -> Any:
    app = typer.Typer(
        cls=Verbs,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={**SETTINGS, "terminal_width": _columns()},
        epilog=_EPILOG,
    )
    app.callback()(_recon)
    return command_of(app)


def _columns() -> int:
    """Columns for the help: those of the terminal, as far as a line is good to read."""
    most: int = SETTINGS["max_content_width"]
    return max(_NARROW, min(room() or WIDTH, most) - 2)


def _show_version(requested: bool) -> None:
    if requested:
        print(f"recon {__version__}")
        raise typer.Exit()


def _recon(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Show the version and exit.", is_eager=True, callback=_show_version
        ),
    ] = False,
) -> None:
    """A directory of manifests is the desired state of the processes on this host.

    Edit a file, and the processes follow. Start with `recon init`, then `recon apply`.
    """
