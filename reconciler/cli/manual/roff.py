"""A page as roff, in the macros of man(7), which man-db and mandoc both read.

No text can be taken for a macro or an escape: each is escaped as groff_man_style(7) says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from reconciler.cli.manual.page import Page, Rows, name_of
from reconciler.render.terminal import plain

_ESCAPES = {
    "\\": r"\e",
    "-": r"\-",
    "'": r"\(aq",
    "`": r"\(ga",
    "^": r"\(ha",
    "~": r"\(ti",
    '"': r"\(dq",
}
_CODE = re.compile(r"`([^`]+)`")


def roff(page: Page, *, version: str, date: str) -> str:
    """The page; ``date`` as 2026-11-24."""
    return "\n".join(_lines(page, version, date)) + "\n"


def escaped(text: str) -> str:
    """One line of text that is only text."""
    line = "".join(map(_character, " ".join(plain(text).split())))
    return rf"\&{line}" if line.startswith((".", r"\(aq")) else line


def _character(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    return char if char.isascii() and char.isprintable() else rf"\[u{ord(char):04X}]"


def _prose(text: str) -> str:
    """A paragraph, in which what stands between backticks is bold."""
    parts = _CODE.split(text)
    shown = [
        (rf"\fB{escaped(part)}\fP" if odd else _text(part))
        for part, odd in zip(parts, [False, True] * len(parts), strict=False)
    ]
    line = "".join(shown)
    return rf"\&{line}" if line.startswith(".") else line


def _text(part: str) -> str:
    """As ``escaped``, with the blanks at its ends."""
    return "".join(map(_character, re.sub(r"\s+", " ", plain(part))))


def _lines(page: Page, version: str, date: str) -> Iterator[str]:
    name = escaped(page.name)
    yield rf'.TH {name.upper()} 1 {date} "recon {escaped(version)}" "User Commands"'
    yield from (".SH NAME", rf"{name} \- {escaped(page.summary)}")
    yield from (".SH SYNOPSIS", rf"\fBrecon {escaped(page.path)}".rstrip() + r"\fP")
    yield escaped(page.synopsis)
    yield ".SH DESCRIPTION"
    for number, text in enumerate(page.paragraphs):
        yield from (".PP", _prose(text)) if number else (_prose(text),)
    if page.verbs:
        yield ".SH COMMANDS"
    for title, rows in page.verbs:
        yield f".SS {escaped(title)}"
        for verb, about in rows:
            yield from (".TP", rf"\fB{escaped(f'{page.path} {verb}'.strip())}\fP", _prose(about))
    yield from _table("OPTIONS", page.options)
    yield from _table("EXIT STATUS", page.exits)
    yield from _table("ENVIRONMENT", page.environment)
    yield from _table("FILES", page.files)
    if page.examples:
        yield ".SH EXAMPLES"
    for number, example in enumerate(page.examples):
        yield from (".PP",) if number else ()
        yield f"{escaped(example.about)}:"
        yield from (".PP", ".RS 4", ".EX", escaped(example.command), ".EE", ".RE")
    yield ".SH SEE ALSO"
    others = [rf"\fB{escaped(other)}\fP(1)" for other in dict.fromkeys(page.see_also)]
    yield ",\n".join(other for other in others if other != rf"\fB{name}\fP(1)")


def _table(title: str, rows: Rows) -> Iterator[str]:
    if rows:
        yield f".SH {title}"
    for term, about in rows:
        yield from (".TP", rf"\fB{escaped(term)}\fP", _prose(about) if about else r"\&")


def file_of(path: str) -> str:
    """The name of the file of a page."""
    return f"{name_of(path)}.1"
