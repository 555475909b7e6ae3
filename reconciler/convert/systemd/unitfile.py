"""The syntax of systemd's unit files: any text as it must be written to be read as that text.

Source of the rules: systemd.syntax(7), systemd.service(5) "Command lines", systemd.exec(5), and
where they are silent ``systemd --test``, which shows how a unit was read (the tests ask it).
What the syntax cannot hold is an Unwritable with a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_PLAIN = re.compile(r"[A-Za-z0-9_@+=:,./-]+")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_NONCHARACTER = re.compile(
    "[\ufdd0-\ufdef"
    + "".join(chr(plane << 16 | low) for plane in range(17) for low in (0xFFFE, 0xFFFF))
    + "]"
)
"""What Unicode says is not a character: systemd does not read a line that has one."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LONGEST = 1_000_000
"""Characters of a line; beyond 1 MiB systemd refuses the file."""
_SHELL = ("/bin/sh", "-c")


class Unwritable(ValueError):
    """What was meant cannot be written into a unit file."""


class Section(NamedTuple):
    """``[name]`` and its lines: each a setting and its value as it is written, or a comment."""

    name: str
    lines: Sequence[tuple[str, str]]


def render(sections: Iterable[Section], comment: str = "") -> str:
    """The text of a unit file. A setting named ``#`` is a comment."""
    blocks = ["".join(f"# {line}".rstrip() + "\n" for line in comment.splitlines())]
    for section in sections:
        lines = [
            f"# {value}" if name == "#" else f"{name}={value}" for name, value in section.lines
        ]
        blocks.append("\n".join([f"[{section.name}]", *lines]) + "\n")
    return "\n".join(block for block in blocks if block)


def text(value: str) -> str:
    """As a description or the like: the rest of the line, in which only % means something."""
    return " ".join(_NONCHARACTER.sub("?", value).split()).replace("%", "%%").rstrip("\\")


def word(value: str) -> str:
    """One word of a list of words: quoted where need be, C escapes, % doubled."""
    escaped = value.replace("%", "%%")
    if not _PLAIN.fullmatch(value):
        escaped = '"' + "".join(map(_escaped, escaped)) + '"'
    if len(escaped) > _LONGEST:
        raise Unwritable("is longer than a line of a unit file may be (1 MiB)")
    return escaped


def command(words: Sequence[str], prelude: str = "") -> str:
    """A command line for ``Exec…=``; the program is an absolute path.

    ``prelude`` is a piece of shell that runs before it, in the same process. A program whose path
    holds what systemd refuses there is started by a shell, too.
    """
    if prelude or not _PLAIN.fullmatch(words[0]) or words[0][0] != "/":
        words = (*_SHELL, f'{prelude}exec "$@"', "sh", *words)
    return " ".join(argument(one) for one in words)


def argument(value: str) -> str:
    """One word of a command line, in which also $ means something."""
    return word(value).replace("$", "$$")


def assignment(name: str, value: str) -> str:
    """For ``Environment=``: there a $ stands for itself."""
    if not _VARIABLE.fullmatch(name):
        raise Unwritable(f"{name} is not a valid variable name in systemd (letters, digits and _)")
    if any((ord(c) < 32 and c not in "\t\n") or ord(c) == 127 for c in value):
        raise Unwritable(f"the value of {name} contains a control character, which systemd rejects")
    if _NONCHARACTER.search(value):
        raise Unwritable(
            f"the value of {name} contains a Unicode non-character, which systemd rejects"
        )
    return word(f"{name}={value}")


def path(value: str) -> str:
    """Where the rest of the line is one path, unquoted (WorkingDirectory=, EnvironmentFile=)."""
    if value != value.strip() or value.endswith("\\") or not value.isprintable():
        raise Unwritable(f"{value!r} cannot be written as a path in a unit file; rename it")
    return value.replace("%", "%%")


def span(seconds: float) -> str:
    """A duration; never 0, by which systemd means forever in most places."""
    microseconds = max(1, round(seconds * 1_000_000))
    if microseconds % 1_000_000 == 0:
        return f"{microseconds // 1_000_000}s"
    return f"{microseconds // 1000}ms" if microseconds % 1000 == 0 else f"{microseconds}us"


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if ord(character) < 32 or ord(character) == 127 or _NONCHARACTER.match(character):
        return "".join(f"\\x{byte:02x}" for byte in character.encode())
    return character
