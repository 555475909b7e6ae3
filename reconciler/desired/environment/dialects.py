"""Where a dotenv file says one thing to recon and another to dotenv (npm) or `node --env-file`.

There is no standard. recon reads as python-dotenv does, and what it reads today it will read
tomorrow: another reading would be another value for a program that runs. A line that the others
read differently is told, by kind and never by value, with the form that all of them read alike.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import NamedTuple

from dotenv.parser import Binding, parse_stream

from reconciler.desired.files import read_regular
from reconciler.desired.text.yaml import Path
from reconciler.model.spec.program import ProgramSpec
from reconciler.system.files.trust import Trust

# dotenv 16.6, lib/main.js: LINE; JavaScript's \s and \w in Python's words.
_SPACE = r"[ \t\n\v\f\r\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ufeff]"
_LINE = re.compile(
    rf"^{_SPACE}*(?:export{_SPACE}+)?([A-Za-z0-9_.-]+)(?:{_SPACE}*={_SPACE}*?|:{_SPACE}+?)"
    rf"""({_SPACE}*'(?:\\'|[^'])*'|{_SPACE}*"(?:\\"|[^"])*"|{_SPACE}*`(?:\\`|[^`])*`|[^#\r\n]+)?"""
    rf"{_SPACE}*(?:\#.*)?$",
    re.MULTILINE,
)
_TRIMMED = re.compile(rf"^{_SPACE}+|{_SPACE}+\Z")
_QUOTED = re.compile(r"^(['\"`])(.*)\1$", re.DOTALL | re.MULTILINE)
_MOST = 2**20


def advice_on_env_files(spec: ProgramSpec) -> Iterator[tuple[Path, str]]:
    """(field below ``spec``, a sentence) for each such line of the files that can be read here."""
    for index, one in enumerate(spec.env_from):
        try:
            text = read_regular(one.file, _MOST, Trust()).decode()
        except (OSError, ValueError):
            continue
        for found in differences(text):
            yield ("envFrom", index), f"{one.file}:{found.line}: {found.name}: {found.message}"


class Difference(NamedTuple):
    """A line, the variable, and what the others make of it."""

    line: int
    name: str
    message: str


def differences(text: str) -> Iterator[Difference]:
    """The lines that recon reads and others read differently; what recon refuses does not
    matter."""
    if len(text) > _MOST:
        return
    theirs = dict(_dotenv(text))
    for one in parse_stream(io.StringIO(text)):
        if one.error or one.key is None or one.value is None:
            continue
        message = ""
        if theirs.get(_start(one)) != (one.key, one.value):
            message = _by_both(one, one.value)
        elif (by_node := _by_node(one)) is not None:
            message = by_node
        if message:
            yield Difference(_start(one), one.key, message)


def _dotenv(text: str) -> Iterator[tuple[int, tuple[str, str]]]:
    """(line, (name, value)) as dotenv 16 reads the text."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    for match in _LINE.finditer(text):
        value = _TRIMMED.sub("", match[2] or "")
        double = value.startswith('"')
        value = _QUOTED.sub(r"\2", value)
        if double:
            value = value.replace("\\n", "\n").replace("\\r", "\r")
        yield text.count("\n", 0, match.start(1)) + 1, (match[1], value)


def _start(binding: Binding) -> int:
    """The line of the name: blank lines before it belong to the binding, too."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _written(binding: Binding) -> str:
    return binding.original.string.partition("=")[2].strip()


def _by_both(binding: Binding, value: str) -> str:
    written = _written(binding)
    if written.startswith("`"):
        return "`…` are quotes to dotenv and Node, and part of the value to recon: write '…'"
    if written[:1] in ("'", '"') and "\\" in written:
        return (
            "recon reads \\ and what follows as one character, dotenv and Node read \\n alone so:"
            " write the character itself, in the other kind of quotes"
        )
    if "#" in value:
        return "dotenv and Node end the value at the #, recon keeps it: put quotes around it"
    return "dotenv reads another value: write NAME='value'"


def _by_node(binding: Binding) -> str | None:
    """Where dotenv agrees with recon and Node 20 does not."""
    line = binding.original.string.strip("\r\n")
    if line.startswith("\t") or re.match(r"\s*export(?:\t| {2})", line):
        return "`node --env-file` treats the blanks before the name as part of it: remove them"
    written = line.partition("=")[2]
    if written.lstrip(" ").startswith('"'):
        return (
            "`node --env-file` leaves \\r as it is: write \\n alone" if "\\r" in written else None
        )
    value = written.partition("#")[0].strip(" ")
    if written.lstrip(" ")[:1] not in ("'", '"') and value != _TRIMMED.sub("", value):
        return "`node --env-file` keeps tabs and other blanks around a value: remove them"
    return None
