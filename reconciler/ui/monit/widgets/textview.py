"""Lines of text of any number: scrolled, folded, searched, followed. Only what is seen is drawn."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import accumulate
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from reconciler.ui.monit.widgets.folding import breaks
from reconciler.ui.monit.widgets.text import line_of, strip_of, uncoloured

MOST = 5000
"""Lines that are kept; `recon logs` has them all."""
_AT_ONCE = 500
"""Lines over ``MOST`` after which the oldest are dropped, so that this is not done for each."""


class TextView(ScrollView, can_focus=True):
    """Lines, which may hold SGR colours and nothing else that a terminal would obey."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    TextView { height: 1fr; scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1;
               scrollbar-gutter: stable; overflow-x: hidden; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_by(-1)", "Up", show=False, priority=True),
        Binding("down,j", "scroll_by(1)", "Down", show=False, priority=True),
        Binding("pageup,b", "scroll_page(-1)", "Page up", show=False, priority=True),
        Binding("pagedown,space", "scroll_page(1)", "Page down", show=False, priority=True),
        Binding("home", "top", "Top", show=False, priority=True),
        Binding("end,G", "bottom", "End", show=False, priority=True),
        Binding("left", "aside(-8)", "Left", show=False, priority=True),
        Binding("right", "aside(8)", "Right", show=False, priority=True),
    ]

    class Scrolled(Message):
        """A person has scrolled."""

    def __init__(self) -> None:
        super().__init__()
        self._lines: list[str] = []
        self._starts: list[int] = [0]
        """The row at which each line begins; the last is the number of all rows."""
        self._folds: dict[int, list[int]] = {}
        """By line that takes several rows: the cells at which they begin."""
        self._needle = ""
        self._current = -1
        self._strips: dict[int, Strip] = {}
        self.folds = True
        self.follows = False

    @property
    def lines(self) -> list[str]:
        return self._lines

    def show(self, lines: Iterable[str]) -> None:
        """These lines in the place of all before; the place on the screen stays."""
        shown = [line_of(line) for line in lines][-MOST:]
        if shown != self._lines:
            self._lines = shown
            self._current = -1
            self._arrange()

    def append(self, lines: Iterable[str]) -> None:
        """More lines below."""
        self._lines += [line_of(line) for line in lines]
        over = len(self._lines) - MOST
        if over > _AT_ONCE:
            gone = self._starts[over]
            del self._lines[:over]
            self._current = max(-1, self._current - over)
            self._arrange()
            if not self.follows:
                self.scroll_to(y=self.scroll_offset.y - gone, animate=False, force=True)
        else:
            self._arrange(keep=True)

    def prepend(self, lines: Iterable[str]) -> None:
        """More lines above; what is seen stays where it is."""
        older = [line_of(line) for line in lines]
        before = self._starts[-1]
        self._lines[:0] = older
        if self._current >= 0:
            self._current += len(older)
        self._arrange()
        down = self.scroll_offset.y + self._starts[-1] - before
        self.scroll_to(y=down, animate=False, force=True)

    def fold(self, folds: bool) -> None:
        """Whether long lines go on in the next row, or to the right."""
        self.folds = folds
        self.styles.overflow_x = "hidden" if folds else "auto"
        self._arrange()

    def follow(self, follows: bool) -> None:
        """Whether the end stays in sight when lines come."""
        self.follows = follows
        if follows:
            self.action_bottom(by_itself=True)

    # -- search --------------------------------------------------------------------------------

    def search(self, needle: str) -> int:
        """Mark a text, without regard to case; in how many lines it stands."""
        self._needle = needle.casefold()
        self._current = -1
        self._strips.clear()
        self.refresh()
        return sum(map(self._has, self._lines)) if needle else 0

    def next(self, step: int) -> bool:
        """Go to the next line below (1) or above (-1) that has the text; False where none has."""
        count = len(self._lines)
        if not self._needle or not count:
            return False
        start = self._current
        if start < 0:
            first = self._line_at(self.scroll_offset.y)
            start = (
                first - 1 if step > 0 else self._line_at(self.scroll_offset.y + self.size.height)
            )
        for distance in range(1, count + 1):
            at = (start + step * distance) % count
            if self._has(self._lines[at]):
                self._go_to(at)
                return True
        return False

    def _has(self, line: str) -> bool:
        return self._needle in uncoloured(line).casefold()

    def _go_to(self, at: int) -> None:
        self._current = at
        self.follows = False
        self._strips.clear()
        row, middle = self._starts[at], self.size.height // 2
        if not self.scroll_offset.y <= row < self.scroll_offset.y + self.size.height - 1:
            self.scroll_to(y=max(0, row - middle), animate=False, force=True)
        self.refresh()

    # -- rows ----------------------------------------------------------------------------------

    @property
    def columns(self) -> int:
        """How wide a line may be so that it takes one row."""
        return max(1, self.scrollable_content_region.width)

    def _arrange(self, *, keep: bool = False) -> None:
        """``keep``: only lines were added, so that what is drawn stays."""
        if keep:
            known = range(len(self._starts) - 1, len(self._lines))
            more = list(accumulate(map(self._rows_of, known), initial=self._starts[-1]))
            self._starts += more[1:]
        else:
            self._strips.clear()
            self._folds.clear()
            every = range(len(self._lines))
            self._starts = list(accumulate(map(self._rows_of, every), initial=0))
        longest = 1
        if not self.folds:
            longest = max((cell_len(uncoloured(line)) for line in self._lines), default=0)
        self.virtual_size = Size(longest, self._starts[-1])
        if self.follows:
            self.scroll_to(y=self._starts[-1], animate=False, force=True)
        self.refresh()

    def _rows_of(self, at: int) -> int:
        line = self._lines[at]
        if not self.folds or len(line) <= self.columns // 2:
            return 1
        found = breaks(uncoloured(line), self.columns)
        if len(found) > 1:
            self._folds[at] = found
        return len(found)

    def _line_at(self, row: int) -> int:
        return min(max(0, bisect_right(self._starts, row) - 1), max(0, len(self._lines) - 1))

    def on_resize(self) -> None:
        top = self._line_at(self.scroll_offset.y)
        self._arrange()
        if not self.follows and self._lines:
            self.scroll_to(y=self._starts[top], animate=False, force=True)

    def render_line(self, y: int) -> Strip:
        base, width = self.rich_style, self.size.width
        row = self.scroll_offset.y + y
        if row >= self._starts[-1]:
            return Strip.blank(width, base)
        at = self._line_at(row)
        if self.folds:
            starts = [*self._folds.get(at, [0]), None]
            number = row - self._starts[at]
            strip = self._strip(at).crop(starts[number] or 0, starts[number + 1])
        else:
            strip = self._strip(at).crop(self.scroll_offset.x, self.scroll_offset.x + width)
        return strip.adjust_cell_length(width).apply_style(base)

    def _strip(self, at: int) -> Strip:
        found = self._strips.get(at)
        if found is None:
            if len(self._strips) > 500:
                self._strips.clear()
            line = self._lines[at]
            needle = self._needle if self._needle and self._has(line) else ""
            found = self._strips[at] = strip_of(line, needle, current=at == self._current)
        return found

    # -- keys ----------------------------------------------------------------------------------

    def action_scroll_by(self, by: int) -> None:
        self._scroll(self.scroll_offset.y + by)

    def action_scroll_page(self, direction: int) -> None:
        self._scroll(self.scroll_offset.y + direction * max(1, self.size.height - 1))

    def action_top(self) -> None:
        self._scroll(0)

    def action_bottom(self, *, by_itself: bool = False) -> None:
        self.scroll_to(y=self._starts[-1], animate=False, force=True)
        if not by_itself:
            self.post_message(self.Scrolled())

    def action_aside(self, by: int) -> None:
        self.scroll_to(x=max(0, self.scroll_offset.x + by), animate=False, force=True)

    def _scroll(self, y: int) -> None:
        self.scroll_to(y=max(0, y), animate=False, force=True)
        self.post_message(self.Scrolled())

    def on_mouse_scroll_up(self) -> None:
        self.post_message(self.Scrolled())

    def on_mouse_scroll_down(self) -> None:
        self.post_message(self.Scrolled())

    @property
    def is_at_end(self) -> bool:
        return self.scroll_offset.y >= self.max_scroll_y

    @property
    def is_at_top(self) -> bool:
        return self.scroll_offset.y <= 0
