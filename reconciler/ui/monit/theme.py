"""How the sixteen colours look: calm ones on a dark and on a light ground, or the terminal's own.

Where the terminal shows few colours, or none are wanted (``NO_COLOR``), its own are used.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from rich.terminal_theme import TerminalTheme
from textual.theme import Theme

DARK = Theme(
    name="recon-dark",
    primary="#7aa2f7",
    secondary="#7dcfff",
    accent="#7aa2f7",
    success="#8fbf6f",
    warning="#e0af68",
    error="#f07178",
    foreground="#c8ccd4",
    background="#16181d",
    surface="#1c1f26",
    panel="#232730",
    dark=True,
    variables={"footer-background": "#1c1f26", "footer-key-foreground": "#7aa2f7"},
)
LIGHT = Theme(
    name="recon-light",
    primary="#2f5fb3",
    secondary="#1f7a8c",
    accent="#2f5fb3",
    success="#3f7a2a",
    warning="#8f5e00",
    error="#b3263a",
    foreground="#2a2e37",
    background="#fafafa",
    surface="#f0f1f3",
    panel="#e4e6ea",
    dark=False,
    variables={"footer-background": "#f0f1f3", "footer-key-foreground": "#2f5fb3"},
)
TERMINAL = Theme(
    name="terminal",
    ansi=True,
    primary="ansi_blue",
    secondary="ansi_cyan",
    accent="ansi_bright_blue",
    success="ansi_green",
    warning="ansi_yellow",
    error="ansi_red",
    foreground="ansi_default",
    background="ansi_default",
    surface="ansi_default",
    panel="ansi_default",
    boost="ansi_default",
    dark=False,
    variables={
        "ansi-background": "ansi_default",
        "ansi-foreground": "ansi_default",
        "block-cursor-text-style": "reverse",
        "block-cursor-background": "ansi_default",
        "block-cursor-foreground": "ansi_default",
        "input-selection-background": "ansi_blue",
        "input-cursor-text-style": "reverse",
        "border": "ansi_blue",
        "border-blurred": "ansi_blue",
        "scrollbar": "ansi_blue",
        "scrollbar-hover": "ansi_blue",
        "scrollbar-active": "ansi_bright_blue",
        "scrollbar-background": "ansi_default",
        "scrollbar-background-hover": "ansi_default",
        "scrollbar-background-active": "ansi_default",
        "scrollbar-corner-color": "ansi_default",
        "footer-background": "ansi_default",
        "footer-key-foreground": "ansi_blue",
        "footer-description-foreground": "ansi_default",
    },
)
"""The terminal's own colours, on its own ground."""

Rgb = tuple[int, int, int]
_DARK: list[Rgb] = [
    *((35, 39, 48), (240, 113, 120), (143, 191, 111), (224, 175, 104)),
    *((122, 162, 247), (187, 154, 247), (125, 207, 255), (200, 204, 212)),
]
_LIGHT: list[Rgb] = [
    *((42, 46, 55), (179, 38, 58), (63, 122, 42), (143, 94, 0)),
    *((47, 95, 179), (125, 60, 152), (31, 122, 140), (110, 116, 128)),
]
# Black, red, green, yellow, blue, magenta, cyan, white; the bright eight are the same.
ANSI_DARK = TerminalTheme((22, 24, 29), (200, 204, 212), _DARK, _DARK)
ANSI_LIGHT = TerminalTheme((250, 250, 250), (42, 46, 55), _LIGHT, _LIGHT)


def theme_for(environ: Mapping[str, str] = os.environ) -> str:
    """The name of the theme to begin with."""
    if "NO_COLOR" in environ:
        return TERMINAL.name
    many = environ.get("COLORTERM", "") in ("truecolor", "24bit")
    return DARK.name if many or "256color" in environ.get("TERM", "") else TERMINAL.name
