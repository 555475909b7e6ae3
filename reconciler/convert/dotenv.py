"""What a dotenv file says, read by the same parser as recon's own `envFrom`: as evidence."""

from __future__ import annotations

import io

from dotenv.parser import parse_stream

from reconciler.convert.errors import ImportFault
from reconciler.convert.read_text import text_of
from reconciler.desired.environment import dialects


def differences(file: str) -> list[str]:
    """What others read differently in a file that is there; nothing where it cannot be read."""
    try:
        found = [*dialects.differences(text_of(file))]
    except ImportFault:
        return []
    return [f"line {one.line}, {one.name}: {one.message}" for one in found]


def variables_of(file: str) -> dict[str, str] | None:
    """The variables of a file (absolute path); None where recon could not read it as a whole."""
    try:
        bindings = [*parse_stream(io.StringIO(text_of(file)))]
    except ImportFault:
        return None
    if any(one.error or (one.key is not None and one.value is None) for one in bindings):
        return None
    return {one.key: one.value for one in bindings if one.key is not None and one.value is not None}
