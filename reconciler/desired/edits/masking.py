"""Secrets that are written down in a manifest, masked in a line of it that is shown.

The rules are those of the warning about such secrets (``diff.lint.hardcoded_secrets``), on text:
a line of a diff is no document that could be parsed.
"""

from __future__ import annotations

import re

from reconciler.diff.lint.hardcoded_secrets import FORMS, is_random, secret_in
from reconciler.model.words.mask import MASK

_QUOTED = r"""\"[^\"]*\"|'[^']*'|"""
_ENTRY = re.compile(
    r"""(?P<name>[A-Za-z_][\w.-]*)["']?(?:"""
    rf"""\s*[:,]\s*(?P<value>{_QUOTED}[^\s,{{}}\[\]"'][^,{{}}\[\]"']*)|"""
    rf"""(?:\s*=\s*|\s+)(?P<word>{_QUOTED}[^\s,{{}}\[\]"']+))"""
)
"""``NAME: value``, ``- NAME, value``; ``NAME=word``, ``--name word``."""
_LONG = 40
"""Characters of a random word on a line of its own: a piece of a key."""


def masked(line: str) -> str:
    """The line with a mask in the place of each value that looks like a secret."""
    word = line.strip()
    if len(word) >= _LONG and is_random(word):
        return line.replace(word, MASK)
    for form in FORMS:
        line = form.pattern.sub(MASK, line)
    at = 0
    while found := _ENTRY.search(line, at):
        group = "value" if found["value"] is not None else "word"
        at = found.start(group)
        value = found[group].strip("\"'").rstrip()
        if secret_in(found["name"], value) is not None:
            at = line.index(value, at)
            line = line[:at] + MASK + line[at + len(value) :]
            at += len(MASK)
    return line
