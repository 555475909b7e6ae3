"""The names that a broken file declares, read leniently: so that `status NAME` can tell of it."""

from __future__ import annotations

import re

from reconciler.desired.text import yaml

_METADATA = re.compile(r"[\"']?metadata[\"']?\s{0,5}:(.{0,200})")
_NAME = re.compile(r"(?:^|[\s{,])[\"']?name[\"']?\s{0,5}:\s{0,5}[\"']?([a-z0-9][-a-z0-9]{0,62})")
_NEAR = 8
"""Lines below `metadata` in which its name is looked for."""
_MOST = 100


def names_in(content: bytes) -> tuple[str, ...]:
    """The ``metadata.name`` of each document; by the look of the text where it is no YAML."""
    try:
        documents = yaml.parse(yaml.decode(content))
    except yaml.Fault:
        found = _by_text(content[: yaml.MAX_BYTES].decode(errors="replace"))
    else:
        found = [_name(document.data) for document in documents]
    return tuple(dict.fromkeys(name for name in found if name))[:_MOST]


def _name(data: object) -> str:
    metadata = data.get("metadata") if isinstance(data, dict) else None
    name = metadata.get("name") if isinstance(metadata, dict) else None
    text = name if isinstance(name, str) else ""
    return text if text.isprintable() and len(text) <= 63 else ""


def _by_text(text: str) -> list[str]:
    lines = text.split("\n")
    found: list[str] = []
    for number, line in enumerate(lines):
        start = _METADATA.search(line)
        if start is None or len(found) >= _MOST:
            continue
        near = [start[1], *(one[:200] for one in lines[number + 1 : number + 1 + _NEAR])]
        name = next((match[1] for one in near if (match := _NAME.search(one))), "")
        found.append(name)
    return found
