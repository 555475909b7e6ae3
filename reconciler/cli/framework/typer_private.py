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

__all__ = ["Command", "Group", "UsageError", "command_of", "show"]

UsageError: type[Exception] = typer.BadParameter.__bases__[0]


def show(error: Exception) -> None:
    """Print a usage error as typer does: the usage, and the sentence."""
    error.show()  # type: ignore[attr-defined]  # a UsageError has it


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


class Command(TyperCommand):
    """A command whose values are passed on as they were given."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _as_given(super().get_params(ctx))


class Group(TyperGroup):
    """Commands, and options of their group, which are passed on as they were given."""

    def get_params(self, ctx: Any) -> list[Any]:
        return _as_given(super().get_params(ctx))
