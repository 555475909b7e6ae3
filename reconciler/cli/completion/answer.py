"""The answer to a shell at the Tab key: a line of what it is to do, then a word a line.

Nothing but the answer is ever written: what goes wrong here would stand in the user's prompt.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence

from reconciler.cli.completion.line import Line, names, params, read
from reconciler.cli.completion.values import Offer, matching, values
from reconciler.cli.framework.verb import summary_of
from reconciler.render.cells import clip
from reconciler.render.terminal import plain

_ABOUT = 60
"""Columns of an explanation."""
_OPTIONS_OF_ALL = (("--help", "Show this message and exit."),)
_OPTIONS_OF_RECON = (("--version", "Show the version and exit."), *_OPTIONS_OF_ALL)


def answer(arguments: Sequence[str]) -> int:
    """Answer a shell: ``SHELL WORDS…``, the last word being the one that is typed; for bash the
    whole line in one word, and the characters that part words there."""
    try:
        sys.stdout.write("\n".join(_answered(arguments)) + "\n")
    except Exception:  # a shell cannot show it, and a user did not ask
        return 1
    return 0


def _answered(arguments: Sequence[str]) -> list[str]:
    shell, *words = arguments
    parting = ""
    if shell == "bash":
        text, parting = words
        words = split(text)[1:]
    line = read(words or [""])
    offer = offered(line) if line is not None else Offer()
    if line is None:
        return [offer.source.value]
    prefix = ""
    if parting:
        word = line.kept + line.typed
        prefix = word[: max((word.rfind(char) for char in parting if char in "=:"), default=-1) + 1]
    head = f"{offer.source.value}{' open' if offer.open else ''}"
    lines = []
    for word, about in matching(offer.words, line.typed):
        whole = (line.kept + word).removeprefix(prefix)
        lines.append(f"{whole}\t{clip(plain(about), _ABOUT)}" if about else whole)
    return [head, *lines]


def offered(line: Line) -> Offer:
    """What may come at this place."""
    if line.is_option:
        return Offer(tuple(_options(line)))
    if line.below is not None:
        path = " ".join(line.path)
        verbs = [(name, summary_of(f"{path} {name}".strip())) for name in line.below]
        return Offer(tuple(verbs))
    return values(line) if line.param is not None else Offer()


def _options(line: Line) -> list[tuple[str, str]]:
    """Long names of the options that may still be given, and `-x` as soon as one is typed."""
    if line.command is None:
        return [*_OPTIONS_OF_RECON]
    found = []
    for option in params(line.command, "option"):
        if option.multiple or not line.given.intersection(names(option)):
            shown = [name for name in names(option) if name.startswith("--")]
            if len(line.typed) == 2 and line.typed in names(option):
                shown.append(line.typed)
            found += [(name, getattr(option, "help", None) or "") for name in shown]
    return [*found, *_OPTIONS_OF_ALL]


def split(text: str) -> list[str]:
    """The words of a line of bash, the last one as far as it is typed: also with an open quote."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        words.extend(lexer)
    except ValueError:
        words.append(lexer.token)
        return words
    return words if text and not text[-1].isspace() else [*words, ""]
