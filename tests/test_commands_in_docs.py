"""Every `recon …` in the documents has a verb and options that the command line knows; values are
not looked at."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from reconciler.cli.by_typer import _command
from reconciler.cli.framework.typer_private import UsageError

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page
    for page in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"))
    if page.name != "CHANGELOG.md"  # it may name what is gone
)
_FENCE = re.compile(r"^```.*?^```", re.M | re.S)
_LINE = re.compile(r"^[ $]*(?:sudo )?(?:[A-Z_]+=\S+ )*(?:exec )?(?:\S*/)?recon (?P<rest>.*)$", re.M)
_INLINE = re.compile(r"`(?:\S*/)?recon (?P<rest>[^`]+)`")
_END = re.compile(r"\s(?:[|&;>].*|\d?>.*|#.*|\\\s*)$|;.*$")
_OTHERS = {"…", "VERB", "whoami", "sets", "writes"}
"""What stands behind the word in prose, for any verb, or for one that is to be written."""
_MENTIONS = {"MissingParameter", "NoArgsIsHelpError", "Exit"}
"""A verb alone, as prose names it; or the help, which was shown."""


class Command(NamedTuple):
    """A place, and the words behind ``recon``."""

    page: str
    line: int
    words: tuple[str, ...]


def commands() -> Iterator[Command]:
    for page in PAGES:
        text = page.read_text()
        fenced = [found.span() for found in _FENCE.finditer(text)]
        for start, end in fenced:
            with_output = re.search(r"^ *\$ ", text[start:end], re.M) is not None
            for found in _LINE.finditer(text, start, end):
                if not with_output or found[0].lstrip().startswith("$"):
                    yield from _command_of(page, text, found)
        prose = _FENCE.sub(lambda found: re.sub(r"[^\n]", " ", found[0]), text)
        for found in _INLINE.finditer(prose):
            yield from _command_of(page, prose, found)


def _command_of(page: Path, text: str, found: re.Match[str]) -> Iterator[Command]:
    rest = _END.sub("", re.split(r" {2,}", found["rest"])[0].replace("\n", " "))
    rest = re.sub(r"\[(?!=)([^\]]*)\]", r"\1", rest)  # what may be left out
    try:
        words = shlex.split(rest)
    except ValueError:
        words = rest.split()
    words = [word if word.startswith("-") else word.split("|")[0] for word in words]
    if words and words[0] not in _OTHERS and "…" not in words:
        yield Command(page.name, text.count("\n", 0, found.start()) + 1, tuple(words))


def mistake(words: tuple[str, ...]) -> str:
    """What the command line has against these words; empty where it takes them."""
    command, context, name, left = _command(), None, "recon", [*words]
    while True:
        try:
            context = command.make_context(name, left, parent=context)
        except Exception as error:
            kind = type(error).__name__
            is_option_alone = kind == "BadOptionUsage" and words[-1].startswith("-")
            return "" if kind in _MENTIONS or is_option_alone else str(error)
        left = [*getattr(context, "_protected_args", ()), *context.args]
        if not hasattr(command, "resolve_command") or not left:
            return ""
        try:
            name, command, left = command.resolve_command(context, left)
        except UsageError as error:
            return str(error)


def test_there_are_many() -> None:
    assert len({*commands()}) > 300


@pytest.mark.parametrize("page", [page.name for page in PAGES])
def test_the_command_line_takes_what_a_page_says(page: str, capsys: Any) -> None:
    found = {one for one in commands() if one.page == page}
    wrong = {
        f"{one.page}:{one.line}: recon {' '.join(one.words)}": mistake(one.words) for one in found
    }
    assert {place: text for place, text in wrong.items() if text} == {}


@pytest.mark.parametrize(
    "text", ["aply", "status --watsh", "rollout undoo web", "logs --colour", "logs --follow=3 web"]
)
def test_what_it_does_not_take_is_found(text: str) -> None:
    assert mistake(tuple(text.split()))
