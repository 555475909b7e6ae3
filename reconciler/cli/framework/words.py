"""A plain command line, read by what its verb declares, without typer.

Understood is what people and scripts write every day: options by their exact names, with the value
in the next word or after ``=``, letters alone or with their value at them, arguments anywhere.
Whatever else there is, from ``--help`` to a mistake, is typer's: then nothing is returned, and
nothing has been done. A test compares both ways for each option of each verb.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from types import UnionType
from typing import Any

from reconciler.cli.framework.declaration import Argument, Option
from reconciler.cli.framework.table import GROUPS, VERBS, function_of

_COMPLETION = "_RECON_COMPLETE"
"""By this variable a shell asks typer for its own completion."""
_MISSING: Any = object()


class _Parameter:
    """A parameter of a verb's function."""

    __slots__ = ("declared", "default", "many", "name", "type")

    def __init__(self, name: str, hint: Any, default: Any) -> None:
        self.name = name
        self.default = default
        self.declared: Option | Argument = hint.__metadata__[0]
        declared_type = hint.__origin__
        if isinstance(declared_type, UnionType):  # `| None`
            declared_type = declared_type.__args__[0]
        self.many = getattr(declared_type, "__origin__", None) is list
        self.type = declared_type


class NotPlainError(Exception):
    """Typer has to look at it."""


def call_of(words: list[str]) -> Callable[[], Any] | None:
    """The call of a verb that these words mean; None where typer is to read them."""
    if not words or _COMPLETION in os.environ:
        return None
    verb, *rest = words
    table = VERBS
    if verb in GROUPS:
        if not rest:
            return None
        table = GROUPS[verb]
        verb, *rest = rest
    if verb not in table:
        return None
    function = function_of(verb, table)
    try:
        values = values_of(function, rest)
    except NotPlainError:
        return None
    return lambda: function(**values)


def values_of(function: Callable[..., Any], words: list[str]) -> dict[str, Any]:
    """What each parameter of the function gets by these words. NotPlainError."""
    parameters = _parameters(function)
    given: dict[str, Any] = {}
    arguments = [one for one in parameters if isinstance(one.declared, Argument)]
    for one in arguments:
        if isinstance(one.declared, Argument) and one.declared.behind_dashes:
            arguments.remove(one)
            words = _split(words, one, given)
    _place(_read(words, _by_name(parameters), given), arguments, given)
    return {one.name: _value(one, given) for one in parameters}


def _parameters(function: Callable[..., Any]) -> list[_Parameter]:
    code = function.__code__
    count = code.co_argcount + code.co_kwonlyargcount
    names = code.co_varnames[:count]
    defaults = dict(function.__kwdefaults__ or {})
    positional = function.__defaults__ or ()
    first = code.co_argcount - len(positional)
    defaults |= dict(zip(names[first : code.co_argcount], positional, strict=True))
    hints = function.__annotations__
    scope = sys.modules[function.__module__].__dict__
    # The hints are text, as those of every module with `annotations` of the future are.
    return [
        _Parameter(name, eval(hints[name], scope), defaults.get(name, _MISSING)) for name in names
    ]


def _by_name(parameters: list[_Parameter]) -> dict[str, tuple[_Parameter, bool]]:
    """Parameter by each of its options' names, and what it says of a flag."""
    found = {}
    for parameter in parameters:
        if isinstance(parameter.declared, Option):
            for spelled in parameter.declared.names:
                on, _, off = spelled.partition("/")
                found[on] = (parameter, True)
                if off:
                    found[off] = (parameter, False)
    return found


def _read(
    words: list[str], options: dict[str, tuple[_Parameter, bool]], given: dict[str, Any]
) -> list[str]:
    """Set what the options say; the words that are none."""
    arguments = []
    coming = iter(words)
    for word in coming:
        if not word.startswith("-"):
            arguments.append(word)
            continue
        name, equals, value = _parts(word)
        if name not in options:
            raise NotPlainError
        parameter, on = options[name]
        if parameter.type is bool:
            if equals:
                raise NotPlainError
            given[parameter.name] = on
            continue
        if not equals:
            value = next(coming, "-")
            if value.startswith("-"):
                raise NotPlainError
        if parameter.many:
            given.setdefault(parameter.name, []).append(value)
        else:
            given[parameter.name] = value
    return arguments


def _split(words: list[str], parameter: _Parameter, given: dict[str, Any]) -> list[str]:
    """The words before ``--``; those behind it are the parameter's."""
    if "--" not in words:
        return words
    at = words.index("--")
    if words[at + 1 :]:
        given[parameter.name] = words[at + 1 :]
    return words[:at]


def _parts(word: str) -> tuple[str, bool, str]:
    """The name, whether a value is with it, and that value."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        return name, bool(equals), value
    return word[:2], len(word) > 2, word[2:]


def _place(words: list[str], parameters: list[_Parameter], given: dict[str, Any]) -> None:
    """Give the words to the arguments, the last of which may take many."""
    left = list(words)
    for number, parameter in enumerate(parameters):
        if not left:
            break
        if not parameter.many:
            given[parameter.name] = left.pop(0)
        elif number < len(parameters) - 1:
            raise NotPlainError
        else:
            given[parameter.name], left = left, []
    if left:
        raise NotPlainError


def _value(parameter: _Parameter, given: dict[str, Any]) -> Any:
    if parameter.name in given:
        return given[parameter.name]
    declared = parameter.declared
    if isinstance(declared, Option) and declared.envvar and (by := os.environ.get(declared.envvar)):
        if parameter.type is not str:
            raise NotPlainError
        return by
    if parameter.default is _MISSING:
        raise NotPlainError
    return parameter.default
