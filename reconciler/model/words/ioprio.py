"""I/O priorities as text, and as ioprio_set(2) and psutil have them: a class and a level in it."""

from __future__ import annotations

_CLASSES = ("none", "realtime", "best-effort", "idle")


def parse(text: str) -> tuple[int, int]:
    """``best-effort:4`` as class and level."""
    name, _, level = text.partition(":")
    return _CLASSES.index(name), int(level or 0)


def told(kind: int, level: int) -> str:
    """The other way. ``none``: it follows from nice (ioprio_get(2))."""
    name = _CLASSES[kind]
    return name if name in ("none", "idle") else f"{name}:{level}"
