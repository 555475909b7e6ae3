"""Text of others as strips of cells: nothing in it is obeyed, and no line is too long to draw."""

from __future__ import annotations

import re
from itertools import pairwise

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from reconciler.render.cells import cells, clip
from reconciler.render.terminal import harmless, plain
from reconciler.ui.monit.widgets.tones import CURRENT_MATCH, MATCH

LONGEST = 4096
"""Characters of one line that are shown: 51 rows of 80 columns."""
_SGR = re.compile(r"\x1b\[[0-9;:]{0,30}m")
_TAB = "    "


def safe(text: str) -> str:
    """``text`` on one line, as UTF-8 can write it: names of files may hold lone surrogates."""
    if text.isprintable():
        return text
    return plain(text).encode(errors="replace").decode()


def line_of(text: str) -> str:
    """A line of a program or of a renderer, with its colours and at most ``LONGEST`` long."""
    if len(text) > LONGEST:
        text = f"{text[:LONGEST]}\x1b[0m … {len(text) - LONGEST:,} characters more"
    if text.isprintable():
        return text
    shown = harmless(text.replace("\t", _TAB))
    return shown if shown.isascii() else shown.encode(errors="replace").decode()


def uncoloured(line: str) -> str:
    """What a search looks at."""
    return _SGR.sub("", line) if "\x1b" in line else line


def strip_of(line: str, needle: str = "", *, current: bool = False) -> Strip:
    """The cells of a line. Where ``needle`` stands in it, regardless of case, it is marked."""
    if "\x1b" not in line and not needle:
        return Strip([Segment(line, Style())])
    text = Text.from_ansi(line)
    if needle:
        style = CURRENT_MATCH if current else MATCH
        text.highlight_words([needle], style, case_sensitive=False)
    return Strip(segments(text))


def segments(text: Text) -> list[Segment]:
    """The runs of one style in ``text``, without a console."""
    cuts = sorted({0, len(text), *(end for span in text.spans for end in (span.start, span.end))})
    found = []
    for start, end in pairwise(cuts):
        style = Style()
        for span in text.spans:
            if span.start <= start and end <= span.end and isinstance(span.style, Style):
                style += span.style
        found.append(Segment(text.plain[start:end], style))
    return found


def fitted(text: str, width: int, *, right: bool = False) -> str:
    """``text`` in exactly so many columns, with … where it was cut."""
    text = clip(safe(text), width)
    blank = " " * (width - cells(text))
    return blank + text if right else text + blank
