"""How a value is written into a manifest: as people write it, in the style of what was there.

Several forms, the most natural one first. None is vouched for: whether ``web: yes`` or ``a, b``
reads back as the same text depends on where it stands, so ``edit`` tries each and reads it again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

# Text that needs no quotes in most places; `, ` and brackets would mean something within others.
_PLAIN = re.compile(r"[A-Za-z0-9_./~+%@=-](?:[A-Za-z0-9_./~+%@=:-]| (?=[^# ]))*")


def forms(value: Any, old: str = "") -> Iterator[str]:
    """``value`` on one line. ``old`` is the text that it takes the place of, for its style."""
    if isinstance(value, str) and old.startswith("'") and value.isprintable():
        yield "'" + value.replace("'", "''") + "'"
    elif '"' not in (old[:1] if isinstance(value, str) else old):
        yield _natural(value)
    yield json.dumps(value, ensure_ascii=False)  # JSON's form is YAML's too


def block_forms(key: str, value: Any) -> Iterator[list[str]]:
    """Lines of a block mapping's entry, to be indented as that is."""
    if isinstance(value, dict) and value:
        yield [f"{key}:", *(f"  {_natural(name)}: {_natural(value[name])}" for name in value)]
        quoted = {name: json.dumps(value[name], ensure_ascii=False) for name in value}
        yield [f"{key}:", *(f"  {json.dumps(name)}: {quoted[name]}" for name in value)]
    for form in forms(value):
        yield [f"{key}: {form}"]


def _natural(value: Any) -> str:
    if isinstance(value, dict):
        entries = [f"{_natural(name)}: {_natural(value[name])}" for name in value]
        return "{" + ", ".join(entries) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_natural, value)) + "]"
    if isinstance(value, str) and _PLAIN.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)
