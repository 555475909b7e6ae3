"""A state as a shape and a colour: never as a colour alone.

The shapes are symbols of `templates/symbols.html`; the word stands beside each, or is its name for
a screen reader.
"""

from __future__ import annotations

from typing import Final

from markupsafe import Markup

from reconciler.ui.dashboard.views.text.harmless import harmless

_SHAPES: Final = {
    "Synced": ("check", "good"),
    "OutOfSync": ("differs", "busy"),
    "Unknown": ("question", "dim"),
    "Healthy": ("disc", "good"),
    "Progressing": ("half", "moving"),
    "Degraded": ("triangle", "bad"),
    "Missing": ("ring", "bad"),
    "Suspended": ("pause", "dim"),
    "running": ("disc", "good"),
    "starting": ("half", "moving"),
    "stopping": ("half", "moving"),
    "waiting": ("half", "moving"),
    "backoff": ("triangle", "bad"),
    "frozen": ("pause", "bad"),
    "missing": ("ring", "bad"),
    "failed": ("triangle", "bad"),
    "completed": ("check", "good"),
    "Succeeded": ("check", "good"),
    "Failed": ("triangle", "bad"),
    "Active": ("half", "moving"),
    "ok": ("check", "good"),
    "warning": ("triangle", "busy"),
    "problem": ("triangle", "bad"),
    "error": ("triangle", "bad"),
    "Warning": ("triangle", "busy"),
    "Normal": ("dot", "dim"),
    "good": ("check", "good"),
}


def mark(state: str, *, named: bool = True) -> Markup:
    """The sign of a state, with its word behind it where ``named``."""
    state = harmless(state)
    shape, tone = _SHAPES.get(state, ("question", "dim"))
    sign = Markup(
        '<svg class="sign" aria-hidden="true" width="12" height="12"><use href="#s-{}"/></svg>'
    ).format(shape)
    word = (
        Markup("<span>{}</span>").format(state)
        if named
        else Markup('<span class="unseen">{}</span>').format(state)
    )
    return Markup('<span class="mark {}">{}{}</span>').format(tone, sign, word)
