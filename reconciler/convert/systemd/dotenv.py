"""Dotenv files as systemd reads them (EnvironmentFile=): where the two do not agree."""

from __future__ import annotations

import io
import re

from dotenv.parser import parse_stream

# What means the same to both: no escapes, no blank before a comment, nothing after the quotes.
_SAME = re.compile(
    r"""[A-Za-z_][A-Za-z0-9_]*=([^\s#'"\\$`]*|"[^"\\$`\n]*"|'[^'\\\n]*')[ \t]*\n?"""
    r"""|\s*(\#[^\n]*)?\n?"""
)


def names_and_doubts(path: str) -> tuple[set[str], list[int]]:
    """The variables that a file sets, and the numbers of lines that may be read differently.

    Neither where the file cannot be read. No value leaves this function.
    """
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError):
        return set(), []
    names, doubts = set(), []
    for binding in parse_stream(io.StringIO(text)):
        original = binding.original.string.lstrip("\n")
        skipped = len(binding.original.string) - len(original)
        if binding.key is not None:
            names.add(binding.key)
        if not _SAME.fullmatch(original):
            doubts.append(binding.original.line + skipped)
    return names, doubts
