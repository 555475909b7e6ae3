"""The words of a command line, up to the one that is being typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.cli.framework.helping.synonyms import resolved
from reconciler.cli.framework.table import VERBS
from reconciler.cli.framework.verb import load


@dataclass
class Line:
    """Where on a command line the cursor stands."""

    path: tuple[str, ...] = ()
    """The verb, and the one below it."""
    command: Any = None
    """Of the verb; None where none is typed yet."""
    below: dict[str, str] | None = field(default_factory=lambda: VERBS)
    """The verbs of which one may come; None where none may."""
    values: dict[str, list[str]] = field(default_factory=dict)
    """What was given before: by the name of an argument, or of an option as it is declared."""
    given: set[str] = field(default_factory=set)
    """The options that were given."""
    param: Any = None
    """The option or the argument whose value is being typed."""
    kept: str = ""
    """What of the word stands before the value: `--output=`."""
    typed: str = ""
    """The value so far; else the beginning of an option or a verb."""
    is_option: bool = False
    """The name of an option is being typed."""

    def last(self, name: str) -> str | None:
        """The last value of an option."""
        found = self.values.get(name)
        return found[-1] if found else None


def read(words: Sequence[str]) -> Line | None:
    """The place of the last word; None behind a verb that is none, where nothing can be offered."""
    *earlier, word = words
    earlier = [one for one in earlier if one != "--debug"]
    line, arguments = Line(), _Arguments()
    waiting: Any = None
    for one in resolved(earlier) if earlier else []:
        if waiting is not None:
            line.values.setdefault(waiting.name, []).append(one)
            waiting = None
        elif line.below is not None:
            if not one.startswith("-") and not _enter(line, one):
                return None
        elif arguments.over or not one.startswith("-") or one == "-":
            arguments.words.append(one)
        elif one == "--":
            arguments.over = True
        else:
            waiting = _option(line, one)
    _assign(line, arguments.words)
    _aim(line, word, waiting, arguments)
    return line


@dataclass
class _Arguments:
    words: list[str] = field(default_factory=list)
    over: bool = False
    """``--`` came: there are no more options."""


def params(command: Any, kind: str) -> list[Any]:
    """The options of a command, or its arguments (``kind``), but for hidden ones."""
    found = [one for one in command.params if one.param_type_name == kind]
    return [one for one in found if not getattr(one, "hidden", False)]


def takes_value(option: Any) -> bool:
    """Whether a word follows the option."""
    return not option.is_flag and not option.count


def names(option: Any) -> list[str]:
    """All that the option may be typed as."""
    return [*option.opts, *option.secondary_opts]


def _enter(line: Line, word: str) -> bool:
    """Go on to the verb ``word``; False where there is none."""
    assert line.below is not None
    if word not in line.below:
        return False
    line.command = load(word, line.below)
    line.path = (*line.path, word)
    line.below = getattr(line.command, "table", None)
    return True


def _option(line: Line, word: str) -> Any:
    """Take a word that begins with a dash; the option whose value is to follow, if one is."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        option = _named(line, name)
        if option is None or not takes_value(option):
            return None
        if not equals:
            return option
        line.values.setdefault(option.name, []).append(value)
        return None
    for index, letter in enumerate(word[1:], start=2):
        option = _named(line, f"-{letter}")
        if option is not None and takes_value(option):
            if not word[index:]:
                return option
            line.values.setdefault(option.name, []).append(word[index:])
            return None
    return None


def _named(line: Line, name: str) -> Any:
    for option in params(line.command, "option"):
        if name in names(option):
            line.given.update(names(option))
            return option
    return None


def _assign(line: Line, words: list[str]) -> None:
    """Give each word that is no option to its argument."""
    for number, word in enumerate(words):
        argument = _argument(line, number)
        if argument is not None:
            line.values.setdefault(argument.name, []).append(word)


def _argument(line: Line, number: int) -> Any:
    """The argument that the word of this number is."""
    found = params(line.command, "argument") if line.command is not None else []
    if number < len(found):
        return found[number]
    return found[-1] if found and found[-1].nargs == -1 else None


def _aim(line: Line, word: str, waiting: Any, arguments: _Arguments) -> None:
    """Find out what the last word begins."""
    line.typed = word
    if waiting is not None:
        line.param = waiting
    elif line.below is not None or arguments.over or not word.startswith("-"):
        line.is_option = line.below is not None and word.startswith("-")
        line.param = None if line.below is not None else _argument(line, len(arguments.words))
    elif word.startswith("--") and "=" in word:
        name, _, line.typed = word.partition("=")
        line.kept, line.param = f"{name}=", _named(line, name)
    else:
        option = _named(line, word[:2]) if len(word) > 2 and word[1] != "-" else None
        if option is not None and takes_value(option):
            line.kept, line.typed, line.param = word[:2], word[2:], option
        else:
            line.is_option = True
