"""All that recon uses of typer beyond its documented names. pyproject.toml bounds the version.

No documented name keeps typer from validating options through pydantic (``verb.py`` says why it
must not), or is the class of usage errors. Releases of typer since 0.29 bring a click of their
own, so `import click` would name another class.
"""

from __future__ import annotations

from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_command as command_of

from reconciler.cli.framework.helping.examples import EXAMPLES, exit_codes

__all__ = ["Command", "Group", "UsageError", "command_of", "context_of", "show"]

UsageError: type[Exception] = typer.BadParameter.__bases__[0]


def show(error: Exception) -> None:
    """Print a usage error as typer does: the usage, and the sentence."""
    error.show()  # type: ignore[attr-defined]  # a UsageError has it


def context_of(command: Any, name: str, words: list[str]) -> Any:
    """The context of the verb that these words call, which knows its usage."""
    context = command.context_class(command, info_name=name)
    for word in words:
        if not isinstance(command, TyperGroup):
            break
        command = command.get_command(context, word)
        context = command.context_class(command, info_name=word, parent=context)
    return context


class _AsGiven:
    """Takes the place of typer's pydantic adapter: text stays text, a list becomes a list."""

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        if value is None:
            return () if param.multiple or param.nargs == -1 else None
        return value


def _as_given(params: list[Any]) -> list[Any]:
    for param in params:
        # Releases before 0.29 have no such attribute, and need no such thing.
        if getattr(param, "_runtime_param", param) is None:
            vars(param)["_runtime_param"] = _AsGiven()
    return params


_NAMES = 24
"""Columns of the names of options; what is longer has the first line for itself."""


class _Help:
    """The help as it reads well: arguments without the types of Python, examples, exit codes."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        pieces = super().collect_usage_pieces(ctx)  # type: ignore[misc]
        arguments = [one for one in self.get_params(ctx) if one.param_type_name == "argument"]  # type: ignore[attr-defined]
        count = len(pieces) - len(arguments) - isinstance(self, TyperGroup)
        others = [*pieces[:count], *pieces[count + len(arguments) :]]
        return [*others[:count], *map(_usage_of, arguments), *others[count:]]

    def format_options(self, ctx: Any, formatter: Any) -> None:
        rows: dict[str, list[tuple[str, str]]] = {"argument": [], "option": []}
        for param in self.get_params(ctx):  # type: ignore[attr-defined]
            if param.param_type_name == "argument":
                rows["argument"].append((_usage_of(param), _about(param)))
            elif record := param.get_help_record(ctx):
                rows["option"].append(record)
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            if rows[kind]:
                with formatter.section(title):
                    formatter.write_dl(rows[kind], col_max=_NAMES)
        if isinstance(self, TyperGroup):
            self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        path = " ".join(ctx.command_path.split()[1:])
        if examples := EXAMPLES.get(path):
            with formatter.section("Examples"):
                for number, example in enumerate(examples):
                    formatter.write("\n" if number else "")
                    formatter.write_text(f"# {example.about}")
                    formatter.write(f"{'':>{formatter.current_indent}}{example.command}\n")
        if not isinstance(self, TyperGroup) or not path:
            with formatter.section("Exit codes"):
                codes = exit_codes(path)
                formatter.write_dl([(str(code), what) for code, what in codes.items()])
        super().format_epilog(ctx, formatter)  # type: ignore[misc]


def _usage_of(argument: Any) -> str:
    """``APP``, ``APP...``, ``[APP]...``."""
    name = argument.metavar or str(argument.name).upper()
    shown = name if argument.required else f"[{name}]"
    return f"{shown}..." if argument.nargs != 1 else shown


def _about(argument: Any) -> str:
    default = argument.default if argument.show_default and argument.default else None
    about = argument.help or ""
    return f"{about}  [default: {default}]".strip() if default else about


class Command(_Help, TyperCommand):
    """A command whose values are passed on as they were given."""

    behind_dashes = ""
    """The argument that takes the words behind ``--``, which click would spread over all."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        if not self.behind_dashes:
            return super().parse_args(ctx, args)
        at = args.index("--") if "--" in args else len(args)
        rest = super().parse_args(ctx, args[:at])
        if ctx.params.get(self.behind_dashes) and not ctx.resilient_parsing:
            words = " ".join(args[:at])
            raise UsageError(f"a command stands behind `--`: recon {ctx.info_name} -- {words}")
        ctx.params[self.behind_dashes] = args[at + 1 :] or None
        return rest

    def get_params(self, ctx: Any) -> list[Any]:
        return _as_given(super().get_params(ctx))


class Group(_Help, TyperGroup):
    """Commands, and options of their group, which are passed on as they were given."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _as_given(super().get_params(ctx))
