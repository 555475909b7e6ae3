"""A verb as typer sees it: imported only when it is called, with plain text as option values.

Typer has the command lines that are not plain (``words.py``), the help and the errors. Two things
would make these slow, and are kept away here: importing the code of all verbs to run one, and typer
(since 0.29) validating every single option through a pydantic ``TypeAdapter``, whose import takes
longer than all else together. So options are declared as ``str``, ``list[str]`` or ``bool`` only,
and the verbs check the values themselves (``options.one_of`` and the like). A test guards that
pydantic stays unimported.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from reconciler.cli.framework.declaration import Argument, Option
from reconciler.cli.framework.errors import UsageError
from reconciler.cli.framework.helping.summaries import SUMMARIES, grouped
from reconciler.cli.framework.helping.synonyms import SYNONYMS
from reconciler.cli.framework.table import EXPORT, IMPORT, ROLLOUT, VERBS, function_of
from reconciler.cli.framework.typer_private import Command, Group, command_of
from reconciler.cli.framework.typer_private import UsageError as TyperUsageError
from reconciler.model.words.closest import closest

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class Verbs(Group):
    """All verbs, each loaded when it is asked for."""

    table = VERBS
    program = "recon"

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The verbs with their summaries, in groups; none of them is loaded for that."""
        path = " ".join(ctx.command_path.split()[1:])
        verbs = self.list_commands(ctx)
        groups = [("Commands", verbs)] if path else grouped(verbs)
        rows = {verb: summary_of(f"{path} {verb}".strip()) for verb in verbs}
        most = max(map(len, verbs))
        for title, names in groups:
            with formatter.section(title):
                formatter.write_dl([(f"{name:<{most}}", rows[name]) for name in names])

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        if cmd_name not in self.table:
            raise TyperUsageError(
                f"{cmd_name!r} is not a verb of {self.program}{self._hint(cmd_name)}"
            )
        return load(cmd_name, self.table)

    def _hint(self, word: str) -> str:
        if self.table is VERBS and word in SYNONYMS:
            return f"; {SYNONYMS[word]}"
        close = closest(word, self.table)
        return f", did you mean {close}?" if close else f"; `{self.program} --help` lists them"


class RolloutVerbs(Verbs):
    """`recon rollout VERB`."""

    table = ROLLOUT
    program = "recon rollout"


class ImportVerbs(Verbs):
    """`recon import TOOL`."""

    table = IMPORT
    program = "recon import"


class ExportVerbs(Verbs):
    """`recon export TARGET`."""

    table = EXPORT
    program = "recon export"


_GROUPS: dict[str, type[Verbs]] = {
    "rollout": RolloutVerbs,
    "import": ImportVerbs,
    "export": ExportVerbs,
}


def summary_of(path: str) -> str:
    """The first sentence of the help of a verb: ``rollout undo``."""
    if path in SUMMARIES:
        return SUMMARIES[path]
    *above, name = path.split()
    command = load(name, _GROUPS[above[0]].table if above else VERBS)
    return str(command.help or "").partition("\n")[0]


def load(name: str, table: dict[str, str] = VERBS) -> Any:
    """The command of one verb, as typer has it."""
    given = function_of(name, table)
    function = declared_for_typer(given)
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    if table is VERBS and name in _GROUPS:
        app.callback(cls=_GROUPS[name], context_settings=SETTINGS, no_args_is_help=True)(function)
    else:
        app.command(name, cls=Command, context_settings=SETTINGS)(function)
    command: Any = command_of(app)
    for one in inspect.signature(given, eval_str=True).parameters.values():
        declared = one.annotation.__metadata__[0]
        if isinstance(declared, Argument) and declared.behind_dashes:
            command.behind_dashes = one.name
    return command


def declared_for_typer(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function with its declarations in typer's words, and its usage errors as typer's."""

    @functools.wraps(function)
    def verb(**values: Any) -> Any:
        try:
            return function(**values)
        except UsageError as error:
            raise TyperUsageError(str(error)) from None

    signature = inspect.signature(function, eval_str=True)
    parameters = [
        one.replace(annotation=_hint(one.annotation)) for one in signature.parameters.values()
    ]
    vars(verb)["__signature__"] = signature.replace(parameters=parameters)
    verb.__annotations__ = {one.name: one.annotation for one in parameters}
    return verb


def _hint(hint: Any) -> Any:
    declared = hint.__metadata__[0]
    if isinstance(declared, Option):
        option = typer.Option(
            *declared.names,
            help=declared.help,
            metavar=declared.metavar,
            envvar=declared.envvar,
        )
        return Annotated[hint.__origin__, option]
    argument = typer.Argument(
        help=declared.help, metavar=declared.metavar, show_default=declared.show_default
    )
    return Annotated[hint.__origin__, argument]
