"""``-l tier=api,env!=dev``: apps by their labels, with kubectl's meanings.

Labels are read from the manifests, which say them, whether or not a controller runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from reconciler.cli.framework.errors import usage
from reconciler.cli.framework.offline import scan
from reconciler.cli.framework.options import Where

Labels = Mapping[str, str]
_TERM = re.compile(r"(!?)([A-Za-z0-9._/-]+)(?:\s*(==|=|!=)\s*([A-Za-z0-9._/-]*))?")


def parse(text: str) -> Callable[[Labels], bool]:
    """Whether labels fulfil every term: ``a=b``, ``a==b``, ``a!=b``, ``a`` (has it), ``!a``."""
    tests = [_test(term.strip()) for term in text.split(",")]
    return lambda labels: all(test(labels) for test in tests)


def matching(place: Where, text: str) -> set[str]:
    """The names of the apps whose labels fulfil the selector."""
    fulfils = parse(text)
    apps = scan(place).apps.values()
    return {app.name for app in apps if fulfils(app.labels)}


def _test(term: str) -> Callable[[Labels], bool]:
    match = _TERM.fullmatch(term)
    if match is None or (match[1] and match[3]):
        raise usage(
            f"--selector {term!r} is not valid; write name=value, name!=value, name or !name"
        )
    absent, name, operator, value = match.groups()
    if operator is None:
        return lambda labels: (name in labels) is not bool(absent)
    return lambda labels: (labels.get(name) == value) is not (operator == "!=")
