"""``tier=api,env!=dev``: a selector of labels, with kubectl's meanings. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

Labels = Mapping[str, str]
_TERM = re.compile(r"(!?)([A-Za-z0-9._/-]+)(?:\s*(==|=|!=)\s*([A-Za-z0-9._/-]*))?")


def parse(text: str) -> Callable[[Labels], bool]:
    """Whether labels fulfil every term: ``a=b``, ``a==b``, ``a!=b``, ``a`` (has it), ``!a``.

    ValueError, a sentence, for a term that is none."""
    tests = [_test(term.strip()) for term in text.split(",")]
    return lambda labels: all(test(labels) for test in tests)


def _test(term: str) -> Callable[[Labels], bool]:
    match = _TERM.fullmatch(term)
    if match is None or (match[1] and match[3]):
        raise ValueError(
            f"{term!r} is not a selector; write name=value, name!=value, name or !name"
        )
    absent, name, operator, value = match.groups()
    if operator is None:
        return lambda labels: (name in labels) is not bool(absent)
    return lambda labels: (labels.get(name) == value) is not (operator == "!=")
