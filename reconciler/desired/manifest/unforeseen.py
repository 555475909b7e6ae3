"""An unforeseen error in a document is a problem of its file, and of no other.

A mistake in one file must not keep the others from being read, nor the next controller from
starting. What comes here is a fault in recon: it is logged, with the place in recon's own code.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any

from reconciler.desired.text.yaml import Path
from reconciler.model.words.sentence import Sentence

_log = logging.getLogger(__name__)
_REPORT = "this is a fault in recon, please report it"


def report(file: str, line: int, error: Exception) -> Sentence:
    """Log the fault; what is to be said about it. The error's own text may repeat a secret."""
    at = _raised_at(error)
    kind = type(error).__name__
    _log.error(
        "fault in recon, please report it: %s (%s) while reading %s:%d", kind, at, file, line
    )
    return Sentence(f"recon cannot read this: {kind} in {at}", _REPORT)


def culprit(data: Any, attempt: Callable[[Any], bool]) -> Path:
    """The field without which ``attempt(data)`` finds all well; ``()`` where there is none such."""
    inside = data.get("spec") if isinstance(data, dict) else None
    path: Path = ("spec",)
    while isinstance(inside, dict):
        found = next((key for key in inside if _succeeds(data, (*path, key), attempt)), None)
        if found is None:
            break
        path, inside = (*path, found), inside[found]
    return path if len(path) > 1 else ()


def _succeeds(data: dict[str, Any], left_out: Path, attempt: Callable[[Any], bool]) -> bool:
    try:
        return attempt(_without(data, left_out))
    except Exception:
        return False


def _without(data: dict[str, Any], path: Path) -> dict[str, Any]:
    key, rest = path[0], path[1:]
    if not rest:
        return {name: value for name, value in data.items() if name != key}
    return {**data, str(key): _without(data[str(key)], rest)}


def _raised_at(error: Exception) -> str:
    """File and line of recon's own code that the error came through last."""
    at, trace = "unknown place", error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if f"{os.sep}reconciler{os.sep}" in name:
            at = f"{os.path.basename(name)}:{trace.tb_lineno}"
        trace = trace.tb_next
    return at
