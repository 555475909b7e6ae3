"""Names of other tools become recon's: [a-z0-9-], at most 63, unique."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_OTHER = re.compile(r"[^a-z0-9]+")
_LONGEST = 63


def name_of(text: str, prefix: str = "", fallback: str = "app") -> str:
    """The nearest name that recon takes: ``Billing API`` is ``billing-api``."""
    plain = unicodedata.normalize("NFKD", f"{prefix}{text}").lower()
    found = _OTHER.sub("-", plain).strip("-")[:_LONGEST].strip("-")
    return found or fallback


def apart(name: str, taken: Iterable[str]) -> str:
    """``wanted``, or ``wanted-2`` and so on, where that is taken."""
    there, number, found = set(taken), 1, name
    while found in there:
        number += 1
        found = f"{name[: _LONGEST - 4].rstrip('-')}-{number}"
    return found
