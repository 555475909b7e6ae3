"""The table of apps and instances. It draws the rows that can be seen, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from reconciler.ui.monit.feed.recent import Recent
from reconciler.ui.monit.table.cells import cell
from reconciler.ui.monit.table.columns import Column, layout
from reconciler.ui.monit.table.rows import Row
from reconciler.ui.monit.widgets.text import fitted
from reconciler.ui.monit.widgets.tones import FAINT, PLAIN


class AppList(ScrollView, can_focus=True):
    """Rows, one of which the cursor is on: it stays on its app or instance when others move."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    AppList { height: 1fr; scrollbar-size-vertical: 1; overflow-x: hidden; }
    AppList > .applist--cursor { background: $primary 22%; text-style: bold; }
    AppList:ansi > .applist--cursor { background: ansi_default; text-style: reverse; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"applist--cursor"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, priority=True),
        Binding("down,j", "move(1)", "Down", show=False, priority=True),
        Binding("pageup", "page(-1)", "Page up", show=False, priority=True),
        Binding("pagedown", "page(1)", "Page down", show=False, priority=True),
        Binding("home", "move(-1000000)", "First", show=False, priority=True),
        Binding("end", "move(1000000)", "Last", show=False, priority=True),
    ]

    class Moved(Message):
        """The cursor is on another row, or what its row says has changed."""

    class Opened(Message):
        """Enter, or a click on the row that the cursor is on."""

    class Toggled(Message):
        """A click on the sign before a name."""

    def __init__(self, recent: Recent, *, blocks: bool) -> None:
        super().__init__()
        self._recent = recent
        self._blocks = blocks
        self._rows: Sequence[Row] = ()
        self._key = ""
        self._at = 0
        self._stale = False
        self.columns: list[Column] = layout(80)

    @property
    def row(self) -> Row | None:
        """The row that the cursor is on."""
        return self._rows[self._at] if self._rows else None

    def show(self, rows: Sequence[Row], *, stale: bool = False) -> None:
        """Show these rows in the place of those before. ``stale``: greyed, they may have changed
        since."""
        self._rows, self._stale = rows, stale
        known = {row.key: number for number, row in enumerate(rows)}
        app = self._key.partition("/")[0]  # the row of an instance that is gone
        at = known.get(self._key, known.get(app, self._at))
        self._at = min(max(0, at), max(0, len(rows) - 1))
        self._arrange()
        self.post_message(self.Moved())

    def select(self, key: str) -> None:
        """Put the cursor on a row, if it is there."""
        self._key = key
        self.show(self._rows, stale=self._stale)

    def _arrange(self) -> None:
        names = (row.app["name"] for row in self._rows)
        below = ("  " + row.instance["name"] for row in self._rows if row.instance)
        width = self.size.width - (self.scrollbar_size_vertical if self._overflows() else 0)
        self.columns = layout(max(1, width), [*names, *below])
        self.virtual_size = Size(self.size.width, len(self._rows))
        self._show_cursor()
        self.refresh()

    def _overflows(self) -> bool:
        return len(self._rows) > self.size.height

    def _show_cursor(self) -> None:
        self._key = self._rows[self._at].key if self._rows else self._key
        self.scroll_to_region(Region(0, self._at, 1, 1), animate=False, force=True)

    def on_resize(self) -> None:
        self._arrange()

    # -- moving --------------------------------------------------------------------------------

    def action_move(self, by: int) -> None:
        if not self._rows:
            return
        self._at = min(max(0, self._at + by), len(self._rows) - 1)
        self._show_cursor()
        self.refresh()
        self.post_message(self.Moved())

    def action_page(self, direction: int) -> None:
        self.action_move(direction * max(1, self.size.height - 1))

    def on_click(self, event: events.Click) -> None:
        at = self.scroll_offset.y + event.y
        if not 0 <= at < len(self._rows):
            return
        is_here = at == self._at
        self.action_move(at - self._at)
        row = self._rows[at]
        if row.instance is None and event.x < 2:
            self.post_message(self.Toggled())
        elif is_here and event.chain > 1:
            self.post_message(self.Opened())

    # -- drawing -------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        at = self.scroll_offset.y + y
        width = self.size.width
        base = self.rich_style
        if at >= len(self._rows):
            return Strip.blank(width, base)
        row = self._rows[at]
        if at == self._at:
            base = self.get_component_rich_style("applist--cursor")
        faint = FAINT if self._stale else PLAIN
        parts = []
        for column in self.columns:
            found = cell(row, column.key, self._recent, blocks=self._blocks)
            text = fitted(found.text, column.width, right=column.right)
            # Colours turned round would make a row of patches.
            style = base if base.reverse else base + found.style + faint
            parts += [Segment(text, style), Segment(" ", base)]
        return Strip(parts).adjust_cell_length(width, base)


class ListHead(ScrollView):
    """The titles of the columns; a click on one sorts by it."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    ListHead { height: 1; overflow: hidden hidden; }
    """

    class Clicked(Message):
        def __init__(self, x: int) -> None:
            super().__init__()
            self.x = x

    def __init__(self) -> None:
        super().__init__()
        self._columns: Sequence[Column] = ()
        self._sorted, self._sign = "", ""

    def show(self, columns: Sequence[Column], order: str, sign: str) -> None:
        """The titles of these columns; that of the order has the sign behind it."""
        self._columns, self._sorted, self._sign = columns, order, sign
        self.refresh()

    def on_click(self, event: events.Click) -> None:
        self.post_message(self.Clicked(event.x))

    def render_line(self, y: int) -> Strip:
        base = self.rich_style
        parts = []
        for column in self._columns:
            title = column.title
            if column.key == self._sorted and len(title) < column.width:
                title += self._sign
            style = base + (PLAIN if column.key == self._sorted else FAINT)
            text = fitted(title, column.width, right=column.right)
            parts.append(Segment(text + " ", style))
        return Strip(parts).adjust_cell_length(self.size.width, base)
