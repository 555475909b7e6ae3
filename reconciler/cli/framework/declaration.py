"""How a verb declares an option or an argument: `Annotated[str, Option("--name", help="…")]`.

The one source of what a verb takes. ``verb.py`` makes typer's parameters of it, for help, errors
and whatever is unusual; ``words.py`` reads plain command lines by it. Typer itself takes longer to
import than `recon status` takes in all, so this knows nothing of it.
"""

from __future__ import annotations


class Option:
    """A word with two dashes, or a letter with one."""

    __slots__ = ("envvar", "help", "metavar", "names")

    def __init__(
        self,
        *names: str,
        help: str | None = None,
        metavar: str | None = None,
        envvar: str | None = None,
    ) -> None:
        """``names``: every spelling; ``--on/--off`` is a flag that can be denied."""
        self.names = names
        self.help = help
        self.metavar = metavar
        self.envvar = envvar


class Argument:
    """A word without dashes, known by its place."""

    __slots__ = ("behind_dashes", "help", "metavar", "show_default")

    def __init__(
        self,
        *,
        help: str | None = None,
        metavar: str | None = None,
        show_default: bool = True,
        behind_dashes: bool = False,
    ) -> None:
        """``behind_dashes``: it is a list, and takes the words behind ``--`` and no others."""
        self.help = help
        self.behind_dashes = behind_dashes
        self.metavar = metavar
        self.show_default = show_default
