"""All keys, on one page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from reconciler.render.terminal import paint
from reconciler.ui.monit.pages.page import Page

_KEYS: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = (
    (
        "Move",
        (
            ("↑ ↓  k j", "one row; a click selects"),
            ("→ ← space", "show and hide the instances of an app; also a click on its sign"),
            ("x", "show, or hide, the instances of all apps"),
            ("/", "filter: a part of a name, or labels: tier=api,env!=dev"),
            ("o  O", "order by name, health, cpu, memory, restarts; turn round"),
            ("esc", "drop the filter"),
        ),
    ),
    (
        "Look",
        (
            ("enter  d", "description of the app; also a double click"),
            ("l", "logs of the app, or of the instance"),
            ("p  P", "plan of the app; of all apps"),
            ("e  E", "events of the app; of all apps"),
            ("g  G", "what it depends on; the whole graph"),
        ),
    ),
    (
        "Change: each asks first, and shows the edit of the manifest",
        (
            ("r", "restart an App, run a Job"),
            ("s  + -", "scale"),
            ("z", "suspend, or resume"),
            ("u", "undo: an earlier revision"),
            ("h", "hold the rollout, or let it go on"),
        ),
    ),
    (
        "On a page",
        (
            ("/  n N", "search, next, previous"),
            ("f", "logs: follow, or stay"),
            ("o", "logs: both streams, stderr, stdout"),
            ("i", "logs: take lines of JSON apart, or leave them"),
            ("w", "fold long lines, or let them go on to the right"),
            ("d l p e g", "another page of the same app"),
            ("esc  q", "back"),
        ),
    ),
    (
        "Always",
        (
            ("^p  :", "palette: every command by its name"),
            ("^z", "back to the shell; fg returns"),
            ("q  ^c", "quit"),
        ),
    ),
)
_ARROWS = str.maketrans({"↑": "up", "↓": "down", "→": "right ", "←": "left"})


class HelpPage(Page):
    """`?`."""

    name_of_page = "keys"
    every: ClassVar[float] = 0.0

    def read(self) -> Sequence[str]:
        lines: list[str] = []
        for title, keys in _KEYS:
            lines += ["", paint(title, "bold", on=True)]
            for key, words in keys:
                shown = key if self.monitor.blocks else key.translate(_ARROWS)
                lines.append(f"  {paint(f'{shown:<11}', 'cyan', on=True)} {words}")
        return lines[1:]
