"""The first lines of every page: what it is about, and a loud one where the monitor is blind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from rich.text import Text
from textual.widgets import Static

from reconciler.render.formats import count, percent, size
from reconciler.ui.monit.feed.recent import total
from reconciler.ui.monit.feed.sight import Sight, banner
from reconciler.ui.monit.widgets.text import safe
from reconciler.ui.monit.widgets.tones import OF_WORD, PLAIN

Document = Mapping[str, Any]
_PADDING = 1
_GAP = "  "


class Headline(Static):
    """One line: a title on the left, what it says on the right."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Headline { height: 1; padding: 0 1; background: $panel; text-wrap: nowrap; }
    """

    def say(self, left: Text, right: Sequence[Text]) -> None:
        """Show the title, and of what is right of it as much as fits."""
        room = self.size.width - 2 * _PADDING - left.cell_len
        shown = Text()
        for part in right:
            if shown.cell_len + len(_GAP) + part.cell_len <= room:
                shown = Text.assemble(shown, _GAP, part)
        self.update(Text.assemble(left, " " * (room - shown.cell_len), shown))


class Banner(Static):
    """Why nothing new is seen; not there as long as the controller answers."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    Banner { height: auto; max-height: 3; padding: 0 1; display: none;
             background: $error; color: $background; text-style: bold; }
    Banner.shown { display: block; }
    Banner:ansi { background: ansi_default; color: ansi_default; text-style: bold reverse; }
    """

    def look(self, sight: Sight, now: float) -> None:
        """Show what is wrong with the sight, if anything is."""
        text = safe(banner(sight, now))
        self.set_class(bool(text), "shown")
        if text:
            self.update(Text(text))


def summary(sight: Sight) -> list[Text]:
    """``1 Degraded  3 apps, 4 instances  CPU 1.2%  64Mi``: what is wrong first."""
    document = sight.document
    if document is None:
        return []
    apps = document["apps"]
    rows = [row for app in apps for row in app["instances"]]
    problems = len(document.get("errors", ()))
    parts = [Text(count(problems, "problem"), "red")] if problems else []
    for word, number in sorted(Counter(map(_worst, apps)).items()):
        if word and word != "Suspended":
            parts.append(Text(f"{number} {word}", OF_WORD.get(word, PLAIN)))
    parts.append(Text(f"{count(len(apps), 'app')}, {count(len(rows), 'instance')}"))
    cpu, memory = total(rows)
    if cpu is not None:
        parts.append(Text(f"CPU {percent(cpu)}  {size(memory)}"))
    return parts


def _worst(app: Document) -> str:
    """The word that is not as it should be; empty where all is."""
    if app["health"] != "Healthy":
        return str(app["health"])
    return "" if app["sync"] == "Synced" else str(app["sync"])
