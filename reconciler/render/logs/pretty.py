"""`recon logs --pretty`: a line of JSON folded to what people look for first."""

from __future__ import annotations

from reconciler.render.logs.entry import Entry, parsed
from reconciler.render.logs.level import with_level
from reconciler.render.terminal import paint

_WIDTH = 5
"""Of the longest level."""


def pretty(text: str, *, colour: bool) -> list[str]:
    """Time, level and message first, then the other fields as ``key=value``, then a stack trace
    on lines of its own. What is no JSON of a logger stays one line as it is, its level in colour.
    """
    entry = parsed(text)
    if entry is None:
        return [with_level(text, colour=colour)]
    return [_head(entry, colour), *(paint(f"    {line}", "dim", on=colour) for line in entry.stack)]


def _head(entry: Entry, colour: bool) -> str:
    parts = []
    if entry.time:
        parts.append(paint(entry.time, "dim", on=colour))
    if entry.level is not None:
        word = f"{entry.level.value:<{_WIDTH}}"
        parts.append(paint(word, entry.level.colour, on=colour))
    if entry.message:
        parts.append(entry.message)
    fields = [f"{name}={value}" for name, value in entry.fields]
    if entry.more:
        fields.append(f"… {entry.more} more")
    if fields:
        parts.append(paint(" ".join(fields), "dim", on=colour))
    return " ".join(parts)
