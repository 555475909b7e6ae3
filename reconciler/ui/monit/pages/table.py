"""The first page: all apps, and what is to be known of the one that the cursor is on."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer, Static

from reconciler.render.formats import local
from reconciler.ui.monit.table import columns
from reconciler.ui.monit.table.cells import drift
from reconciler.ui.monit.table.filter import shown_by
from reconciler.ui.monit.table.order import OF_COLUMN, ORDERS
from reconciler.ui.monit.table.rows import Row, View, rows_of
from reconciler.ui.monit.widgets.applist import AppList, ListHead
from reconciler.ui.monit.widgets.headline import Banner, Headline, summary
from reconciler.ui.monit.widgets.prompt import Prompt
from reconciler.ui.monit.widgets.text import safe

if TYPE_CHECKING:
    from reconciler.ui.monit.monitor import Monitor


class TablePage(Screen[None]):
    """Filter, order, open and close; the pages and the questions are the monitor's."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "app.page('describe')", "Open", key_display="enter", priority=True),
        Binding("slash", "filter", "Filter", key_display="/", priority=True),
        Binding("o", "order", "Order", priority=True),
        Binding("O", "reverse", "Turn round", show=False, priority=True),
        Binding("right,space", "open(True)", "Open", show=False, priority=True),
        Binding("left", "open(False)", "Close", show=False, priority=True),
        Binding("x", "open_all", "All instances", show=False, priority=True),
        Binding("escape", "drop_filter", "Drop the filter", show=False, priority=True),
        Binding("q", "leave", "Quit", show=False, priority=True),
    ]

    def __init__(self, filter: str = "") -> None:
        super().__init__()
        self._filter = filter
        self._view = View(opened=frozenset(), shown=shown_by(filter))

    @property
    def monitor(self) -> Monitor:
        return cast("Monitor", self.app)

    @property
    def list(self) -> AppList:
        return self.query_one(AppList)

    @property
    def row(self) -> Row | None:
        """What the cursor is on."""
        return self.list.row

    def compose(self) -> ComposeResult:
        yield Headline()
        yield Banner()
        yield ListHead()
        yield AppList(self.monitor.recent, blocks=self.monitor.blocks)
        yield Static("", classes="empty", markup=False)
        yield Static("", classes="about", markup=False)
        yield Prompt("/", "a part of a name, or labels: tier=api,env!=dev")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.list.focus()
        self.look()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key of the page does anything before its widgets are there, or in a text."""
        if not self.is_mounted or self.monitor.is_typing:
            return None
        return super().check_action(action, parameters)

    def on_resize(self) -> None:
        self.call_after_refresh(self.look)

    def look(self) -> None:
        """Show what is known now."""
        sight = self.monitor.sight
        rows = rows_of(sight.document, self._view)
        self.list.show(rows, stale=bool(sight.blind) and not sight.by_itself)
        sign = ("▴" if self._view.reverse else "▾") if self.monitor.blocks else " "
        self.query_one(ListHead).show(self.list.columns, self._view.order, sign)
        empty = self.query_one(".empty", Static)
        empty.display = not rows
        empty.update(safe(self._why_empty()))
        self.tick()

    def tick(self) -> None:
        """A second has passed."""
        now = self.monitor.now()
        self.query_one(Banner).look(self.monitor.sight, now)
        left = Text("recon", "bold")
        if self._filter:
            left.append(f"  /{safe(self._filter)}", "cyan")
        clock = Text(time.strftime("%H:%M:%S", time.localtime(now)), "dim")
        self.query_one(Headline).say(left, [*summary(self.monitor.sight), clock])

    def _why_empty(self) -> str:
        sight = self.monitor.sight
        if sight.document is None:
            return "Nothing is known yet." if sight.blind else "asking the controller …"
        if self._filter and sight.document["apps"]:
            return f"No app matches {self._filter}; esc drops the filter."
        return "No apps are declared, and none runs. `recon init` writes a first manifest."

    # -- the app that the cursor is on -----------------------------------------------------------

    def on_app_list_moved(self) -> None:
        about = self.query_one(".about", Static)
        row = self.row
        about.update(Text("\n".join(map(safe, about_of(row)))) if row else "")

    def on_app_list_opened(self) -> None:
        self.monitor.action_page("describe")

    def on_app_list_toggled(self) -> None:
        row = self.row
        if row is not None:
            self.action_open(not row.is_open)

    # -- what is shown ---------------------------------------------------------------------------

    def action_open(self, is_open: bool) -> None:
        row = self.row
        if row is None:
            return
        name = row.app["name"]
        opened = {*self._view.opened, name} if is_open else {*self._view.opened} - {name}
        self._view = self._view._replace(opened=opened)
        self.look()

    def action_leave(self) -> None:
        self.app.exit()

    def action_open_all(self) -> None:
        document = self.monitor.sight.document
        everything = {app["name"] for app in document["apps"]} if document else set()
        opened = frozenset() if self._view.opened else frozenset(everything)
        self._view = self._view._replace(opened=opened)
        self.look()

    def action_order(self) -> None:
        following = (ORDERS.index(self._view.order) + 1) % len(ORDERS)
        self._order(ORDERS[following])

    def action_reverse(self) -> None:
        self._view = self._view._replace(reverse=not self._view.reverse)
        self.look()

    def on_list_head_clicked(self, message: ListHead.Clicked) -> None:
        key = columns.at(self.list.columns, message.x)
        order = OF_COLUMN.get(key, key)
        if order == self._view.order:
            self.action_reverse()
        elif order in ORDERS:
            self._order(order)

    def _order(self, order: str) -> None:
        self._view = self._view._replace(order=order, reverse=False)
        self.look()

    # -- filter ----------------------------------------------------------------------------------

    def filter(self, text: str) -> str:
        """Show the apps that fulfil it; why it is no filter yet, a sentence."""
        try:
            shown = shown_by(text)
        except ValueError as error:
            return str(error)
        self._filter = text.strip()
        self._view = self._view._replace(shown=shown)
        self.look()
        return ""

    def action_filter(self) -> None:
        self.query_one(Prompt).open(self._filter)

    def action_drop_filter(self) -> None:
        self.filter("")

    def on_prompt_changed(self, message: Prompt.Changed) -> None:
        self.query_one(Prompt).hint(self.filter(message.text))

    def on_prompt_kept(self, message: Prompt.Kept) -> None:
        problem = self.filter(message.text)
        self.list.focus()
        if problem:
            self.monitor.say(problem, bad=True)

    def on_prompt_dropped(self) -> None:
        self.filter("")
        self.list.focus()


def about_of(row: Row) -> tuple[str, str]:
    """Two lines of what has no column: labels and drift, and the message."""
    app = row.app
    labels = " ".join(f"{key}={value}" for key, value in app.get("labels", {}).items())
    facts = [app["name"], labels, f"revision {app['revision']}" if app["revision"] else ""]
    if app["kind"] == "Job":
        facts.insert(1, f"Job, next run {app['nextRun'] or 'on request'}")
    if app["drift"]:
        facts.append(f"drift: {drift(app['drift'])}")
    message = local(app["message"])
    if row.instance is not None:
        last = row.instance["exit"]
        facts[0] = row.instance["name"]
        facts.append(f"pid {row.instance['pid'] or '-'}")
        message = row.instance["status"] or (f"last end: {last}" if last else message)
    return "  ".join(fact for fact in facts if fact), message
