"""Which names below the manifests directory are those of manifests."""

from __future__ import annotations

import re

_SUFFIXES = (".yaml", ".yml", ".json")
# What editors leave beside a file while they write it.
_LEFTOVER = re.compile(r"^\.|~$|^#.*#$|^4913$|\.sw.$|\.tmp$")


def is_manifest_name(name: str) -> bool:
    """Whether a file of this name is read."""
    return name.endswith(_SUFFIXES) and not is_hidden(name)


def is_hidden(name: str) -> bool:
    """Dotfiles and what editors leave: neither read nor walked into."""
    return _LEFTOVER.search(name) is not None
