"""The few colours of the monitor. They are the terminal's own sixteen: a theme says how they look.

``NO_COLOR`` removes them, so each meaning also has a word or a sign.
"""

from __future__ import annotations

from rich.style import Style

PLAIN = Style()
GOOD = Style(color="green")
BUSY = Style(color="yellow")
BAD = Style(color="red")
STRANGE = Style(color="magenta")
GRAPH = Style(color="cyan", dim=True)
FAINT = Style(dim=True)
BOLD = Style(bold=True)
MATCH = Style(reverse=True)
CURRENT_MATCH = Style(reverse=True, bold=True, underline=True)

OF_WORD = {
    "Synced": GOOD,
    "OutOfSync": BUSY,
    "Unknown": STRANGE,
    "Healthy": GOOD,
    "Progressing": BUSY,
    "Degraded": BAD,
    "Missing": BAD,
    "Suspended": FAINT,
}
"""Of the words of the two axes, as `recon status` paints them."""
