"""A line for a shell becomes a command without one, where it is plain enough to need none.

Without a shell in between, signals and exit codes are the program's own.
"""

from __future__ import annotations

import re
import shlex
from typing import NamedTuple

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./ \t'\"-]+")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_NAME = r"(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
# A value that is the same to a shell and without one.
_VALUE = r"""(?P<value>'[^'"]*'|"[^"'$`\\]*"|[A-Za-z0-9_@%+:,./-]*)"""
_ASSIGNED = re.compile(rf"\s*{_NAME}={_VALUE}\s+")
_EXPORTED = re.compile(rf"\s*export\s+{_NAME}={_VALUE}\s*(?:;|&&)\s*")
_ASSIGNMENTS = re.compile(r"\s*(?:[A-Za-z_][A-Za-z0-9_]*=[^\s'\"`\\;&|<>()]*\s+)*")
# PORT=$PORT, which says nothing.
_ITSELF = re.compile(rf"\s*{_NAME}=\"?\$(?:(?P=name)|\{{(?P=name)\}})\"?\s+")
_ENTERED = re.compile(r"\s*cd\s+(?P<folder>[A-Za-z0-9_@%+:,./][A-Za-z0-9_@%+:,./-]*)\s*&&\s*")
_NAMED = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)")
_JOINED = re.compile(r"((?:&&|;)\s*)")
# What makes a line too much to tell where its last command begins.
_OPAQUE = re.compile(r"[|<>\n(){}`\\#'\"]|(?<!&)&(?!&)|\|\||\b(?:if|for|while|until|case|trap)\b")
_BUILTINS = {
    *(".", ":", "alias", "bg", "cd", "command", "eval", "exec", "exit", "export", "fg", "hash"),
    *("if", "for", "while", "until", "case", "function", "time", "read", "set", "shift", "source"),
    *("test", "[", "times", "trap", "type", "ulimit", "umask", "unset", "wait", "{", "!"),
}


def without_shell(line: str) -> list[str] | None:
    """The words of ``npm run start``; None for what only a shell can run."""
    if not _PLAIN.fullmatch(line):
        return None
    try:
        words = shlex.split(line)
    except ValueError:
        return None
    if not words or not words[0] or words[0] in _BUILTINS or _ASSIGNMENT.fullmatch(words[0]):
        return None
    return words


class Line(NamedTuple):
    """A line for a shell, less what a manifest says better."""

    command: list[str]
    env: dict[str, str]
    """Of `NAME=value cmd` and `export NAME=value; cmd`."""
    folder: str
    """Of `cd DIR && cmd`; empty where there is none."""


def line_of(line: str) -> Line:
    """What stands before the command is taken off as long as it is plain."""
    env: dict[str, str] = {}
    assigned, folder, rest = set(), "", line
    while True:
        if (found := _ENTERED.match(rest)) is not None and not folder:
            folder = found["folder"]
        elif (found := _EXPORTED.match(rest)) is not None:
            env[found["name"]] = found["value"].strip("'\"")
        elif (found := _ASSIGNED.match(rest)) is not None:
            env[found["name"]] = found["value"].strip("'\"")
            assigned.add(found["name"])
        elif (found := _ITSELF.match(rest)) is None:
            break
        rest = rest[found.end() :]
    # In `A=1 cmd $A` the shell puts in what A was before.
    if not rest.strip() or assigned & {*_NAMED.findall(rest)}:
        return Line(command_of(line), {}, "")
    return Line(command_of(rest), env, folder)


def command_of(line: str) -> list[str]:
    """The command for any line: its words, or a shell that gives way to the program (exec)."""
    words = without_shell(line)
    if words is not None:
        return words
    *before, last = _JOINED.split(line)
    begin = sum(map(len, before))
    leading = _ASSIGNMENTS.match(last)
    begin += leading.end() if leading is not None else 0
    first = line[begin:].split(maxsplit=1)[:1]
    simple = first and first[0] not in _BUILTINS and not _ASSIGNMENT.fullmatch(first[0])
    exec_ = "exec " if simple and not _OPAQUE.search(line) else ""
    return ["/bin/sh", "-c", f"{line[:begin]}{exec_}{line[begin:]}"]
