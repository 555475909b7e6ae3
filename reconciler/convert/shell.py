"""A line for a shell becomes a command without one, where it is plain enough to need none.

Without a shell in between, signals and exit codes are the program's own.
"""

from __future__ import annotations

import re
import shlex

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./ \t'\"-]+")
_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=.*", re.DOTALL)
_ASSIGNMENTS = re.compile(r"\s*(?:[A-Za-z_][A-Za-z0-9_]*=[^\s'\"`$\\]*\s+)*")
# What makes a line more than one simple command, or its quotes too much to tell.
_COMPOUND = re.compile(r"[;&|<>\n(){}`\\]|'|\"")
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


def command_of(line: str) -> list[str]:
    """The command for any line: its words, or a shell that gives way to the program (exec)."""
    words = without_shell(line)
    if words is not None:
        return words
    before = _ASSIGNMENTS.match(line)
    end = before.end() if before is not None else 0
    first = line[end:].split(maxsplit=1)[:1]
    simple = not _COMPOUND.search(line) and first and first[0] not in _BUILTINS
    return ["/bin/sh", "-c", f"{line[:end]}exec {line[end:]}" if simple else line]
