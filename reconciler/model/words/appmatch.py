"""Which apps are meant: by name with ``*`` and ``?``, or by labels as ``-l`` of the command line.

No expression is compiled of what a user writes: a pattern costs its length times the name's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.model.words.sentence import InvalidValue

_TERM = re.compile(r"(!?)([A-Za-z0-9._/-]+)(?:\s*(==|=|!=)\s*([A-Za-z0-9._/-]*))?")
_NAME = re.compile(r"[a-z0-9*?-]{1,253}")


@dataclass(frozen=True, slots=True)
class AppMatch:
    """A pattern of a name, or terms of labels that must all hold."""

    pattern: str = ""
    terms: tuple[tuple[str, str, str], ...] = ()
    """Label, one of ``=``, ``!=``, ``has`` and ``lacks``, value."""

    @classmethod
    def parse(cls, text: str) -> AppMatch:
        """InvalidValue where it is neither."""
        if _NAME.fullmatch(text):
            return cls(pattern=text)
        return cls(terms=tuple(_term(part.strip(), text) for part in text.split(",")))

    def matches(self, name: str, labels: Mapping[str, str]) -> bool:
        """Whether an app of this name, with these labels, is meant."""
        if not self.terms:
            return glob(self.pattern, name)
        return all(_holds(labels, *term) for term in self.terms)


def glob(pattern: str, name: str) -> bool:
    """Whether the whole name fits; ``*`` is any text, ``?`` one character."""
    at = place = 0
    star, retry = -1, 0
    while place < len(name):
        if at < len(pattern) and pattern[at] in ("?", name[place]):
            at, place = at + 1, place + 1
        elif at < len(pattern) and pattern[at] == "*":
            star, retry = at, place
            at += 1
        elif star >= 0:
            retry += 1
            at, place = star + 1, retry
        else:
            return False
    return not pattern[at:].strip("*")


def _term(term: str, whole: str) -> tuple[str, str, str]:
    match = _TERM.fullmatch(term)
    if match is None or (match[1] and match[3]):
        raise InvalidValue(
            f"{whole!r} is not a name nor labels", "write e.g. web-*, or tier=api,env!=dev"
        )
    absent, label, operator, value = match.groups()
    if operator is None:
        return label, "lacks" if absent else "has", ""
    return label, "!=" if operator == "!=" else "=", value


def _holds(labels: Mapping[str, str], label: str, operator: str, value: str) -> bool:
    if operator in ("has", "lacks"):
        return (label in labels) is (operator == "has")
    return (labels.get(label) == value) is (operator == "=")
