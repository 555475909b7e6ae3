"""The monitor: what is known, which page shows it, and what the keys of all pages do."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Input

from reconciler.api.client import Client
from reconciler.api.errors import ClientError
from reconciler.render.sparkline import unicode_locale
from reconciler.ui.live.closable import ClosableClient
from reconciler.ui.live.live import Live
from reconciler.ui.live.snapshot import Snapshot
from reconciler.ui.monit.ask import actions
from reconciler.ui.monit.ask.actions import Action
from reconciler.ui.monit.ask.confirm import Confirm
from reconciler.ui.monit.ask.question import Question
from reconciler.ui.monit.feed.alone import Alone
from reconciler.ui.monit.feed.background import answer
from reconciler.ui.monit.feed.recent import Recent
from reconciler.ui.monit.feed.sight import Sight
from reconciler.ui.monit.pages.about import DescribePage, EventsPage, GraphPage, PlanPage
from reconciler.ui.monit.pages.help import HelpPage
from reconciler.ui.monit.pages.logs import LogsPage
from reconciler.ui.monit.pages.page import Page
from reconciler.ui.monit.pages.table import TablePage
from reconciler.ui.monit.palette import Commands
from reconciler.ui.monit.style import CSS
from reconciler.ui.monit.theme import ANSI_DARK, ANSI_LIGHT, DARK, LIGHT, TERMINAL, theme_for
from reconciler.ui.monit.widgets.text import safe

Document = Mapping[str, Any]
_PAGES: Mapping[str, type[Page]] = {
    "describe": DescribePage,
    "plan": PlanPage,
    "events": EventsPage,
    "graph": GraphPage,
}
_OF_PAGES = frozenset(
    ("page", "palette", "help", "restart", "scale", "scale_by", "suspend", "undo", "hold")
)
"""Actions of keys that may be letters of a text."""


class Monitor(App[None]):
    """`recon monit`."""

    TITLE = "recon monit"
    CSS = CSS
    COMMANDS: ClassVar[set[Any]] = {Commands}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("d", "page('describe')", "Describe", show=False, priority=True),
        Binding("l", "page('logs')", "Logs", priority=True),
        Binding("p", "page('plan')", "Plan", priority=True),
        Binding("P", "page('plan', True)", "Whole plan", show=False, priority=True),
        Binding("e", "page('events')", "Events", priority=True),
        Binding("E", "page('events', True)", "All events", show=False, priority=True),
        Binding("g", "page('graph')", "Graph", show=False, priority=True),
        Binding("G", "page('graph', True)", "Whole graph", show=False, priority=True),
        Binding("r", "restart", "Restart", priority=True),
        Binding("s", "scale", "Scale", priority=True),
        Binding("plus", "scale_by(1)", "One more", show=False, priority=True),
        Binding("minus", "scale_by(-1)", "One less", show=False, priority=True),
        Binding("z", "suspend", "Suspend", show=False, priority=True),
        Binding("u", "undo", "Undo", show=False, priority=True),
        Binding("h", "hold", "Hold", show=False, priority=True),
        Binding("question_mark", "help", "Keys", key_display="?", priority=True),
        Binding("ctrl+p", "command_palette", "Palette", show=False, priority=True),
        Binding("colon", "palette", "Palette", show=False, priority=True),
        Binding("ctrl+c", "quit", "Quit", show=False, priority=True),
        Binding("ctrl+z", "suspend_process", "Shell", show=False, priority=True),
    ]

    def __init__(
        self,
        live: Live,
        client: Client,
        *,
        look_alone: Callable[[], Document] | None = None,
        own_client: Callable[[], ClosableClient] | None = None,
        filter: str = "",
        now: Callable[[], float] = time.time,
    ) -> None:
        """``look_alone``: the status as recon reads it without a controller; ``own_client``: a
        client for a page that reads without end."""
        theme = theme_for()  # before textual takes NO_COLOR out of the environment
        # As it begins decides which filter NO_COLOR brings; later the theme decides.
        super().__init__(ansi_color=True if theme == TERMINAL.name else None)
        self.client = client
        self.own_client = own_client or partial(ClosableClient, client)
        self.blocks = unicode_locale()
        self.now = now
        self.recent = Recent()
        self.sight = Sight()
        self._live = live
        self._leave: Callable[[], None] = lambda: None
        self._alone = Alone(look_alone, self._found_alone) if look_alone else None
        self._table = TablePage(filter)
        self.ansi_theme_dark, self.ansi_theme_light = ANSI_DARK, ANSI_LIGHT
        for one in (DARK, LIGHT, TERMINAL):
            self.register_theme(one)
        self.theme = theme
        self.ansi_color = None

    def get_default_screen(self) -> Screen[Any]:
        return self._table

    def on_mount(self) -> None:
        self._loop_of_screen = asyncio.get_running_loop()
        self._leave = self._live.on_change(lambda _: self._in_loop(self._refresh))
        self._refresh()
        self.set_interval(1.0, self._tick)

    def on_unmount(self) -> None:
        self._leave()

    def _fatal_error(self) -> None:
        """End at once; textual would print the values of all variables, secrets among them."""
        self._close_messages_no_wait()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys are for the page that is seen, and letters are no keys where one types.

        All bindings have priority: so keys that come together, as over a slow line, are carried
        out in their order, and those behind `/` are typed."""
        is_page = isinstance(self.screen, TablePage | Page)
        if action in _OF_PAGES and (self.is_typing or not is_page):
            return None
        return super().check_action(action, parameters)

    @property
    def is_typing(self) -> bool:
        """Whether a person types a text."""
        return isinstance(self.focused, Input)

    # -- what is known -------------------------------------------------------------------------

    def _in_loop(self, work: Callable[[], None]) -> None:
        """Have it done by the thread of the screen."""
        try:
            self._loop_of_screen.call_soon_threadsafe(self.call_later, work)
        except RuntimeError:  # the monitor has ended meanwhile
            pass

    def _refresh(self) -> None:
        self._show(self._live.snapshot)

    def _show(self, snapshot: Snapshot) -> None:
        before = self.sight
        if snapshot.blind:
            document, at, by_itself = snapshot.status, snapshot.read_at, False
            if before.by_itself:
                document, at, by_itself = before.document, before.read_at, True
            self.sight = Sight(document, at, by_itself, snapshot.blind, snapshot.blind_since)
        elif snapshot.status is not None:
            self.sight = Sight(snapshot.status, snapshot.read_at)
            if snapshot.read_at != before.read_at:
                self.recent.add(snapshot.status)
                if snapshot.usage is not None:
                    self.recent.begin(snapshot.usage)
        if self._alone is not None:
            self._alone.want(bool(snapshot.blind), patient=snapshot.status is not None)
        self._look()

    def _found_alone(self, document: Document, at: float) -> None:
        self._in_loop(partial(self._show_alone, document, at))

    def _show_alone(self, document: Document, at: float) -> None:
        sight = self.sight
        if sight.blind:
            self.sight = Sight(document, at, True, sight.blind, sight.blind_since)
            self._look()

    def events(self) -> Sequence[Document]:
        """The newest events, oldest first."""
        return self._live.snapshot.events

    def _look(self) -> None:
        """Have the page that is seen show what is known."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, TablePage | Page):
                if screen.is_mounted:
                    screen.look()
                break

    def _tick(self) -> None:
        screen = self.screen
        if isinstance(screen, TablePage):
            screen.tick()
        elif isinstance(screen, Page):
            screen.look()

    # -- pages ---------------------------------------------------------------------------------

    @property
    def chosen(self) -> Document | None:
        """The app that the page is about, or that the cursor is on."""
        for screen in reversed(self.screen_stack):
            if isinstance(screen, Page) and screen.app_name is not None:
                return self._known(screen.app_name)
        row = self._table.row
        return row.app if row is not None else None

    def _known(self, name: str) -> Document | None:
        document = self.sight.document
        apps = document["apps"] if document else ()
        return next((app for app in apps if app["name"] == name), None)

    def action_page(self, page: str, of_all: bool = False) -> None:
        app = None if of_all else self.chosen
        if app is None and not of_all:
            return
        name = app["name"] if app is not None else None
        if page == "logs":
            self._go(LogsPage(name or "", self._instance() if app is not None else None))
        else:
            self._go(_PAGES[page](name))

    def _instance(self) -> str | None:
        row = self._table.row
        is_table = isinstance(self.screen, TablePage)
        return row.instance["name"] if is_table and row is not None and row.instance else None

    def _go(self, page: Page) -> None:
        """One page at a time stands over the table."""
        if isinstance(self.screen, Page):
            self.switch_screen(page)
        elif isinstance(self.screen, TablePage):
            self.push_screen(page)

    def action_palette(self) -> None:
        self.action_command_palette()

    def action_help(self) -> None:
        if isinstance(self.screen, TablePage | Page) and not isinstance(self.screen, HelpPage):
            self.push_screen(HelpPage())

    # -- changes -------------------------------------------------------------------------------

    def action_restart(self) -> None:
        self._act(actions.restart_of)

    def action_suspend(self) -> None:
        self._act(actions.suspend_of)

    def action_hold(self) -> None:
        self._act(actions.pause_of)

    def action_scale(self) -> None:
        self._act(lambda app: actions.SCALE)

    def action_scale_by(self, by: int) -> None:
        app = self.chosen
        if app is not None:
            number = max(0, app["desired"] + by)
            self._confirm(actions.SCALE, app["name"], {"instances": number})

    def action_undo(self) -> None:
        self._act(lambda app: actions.UNDO)

    def _act(self, choose: Callable[[Document], Action]) -> None:
        app = self.chosen
        if app is not None and isinstance(self.screen, TablePage | Page):
            self.act(choose(app))

    def act(self, action: Action) -> None:
        """Ask what the action needs, then whether to do it."""
        app = self.chosen
        if app is None:
            return
        if action.asks == "instances":
            self._ask(
                action,
                app,
                str(app["desired"]),
                actions.instances,
                ["How many instances? A number, max or max-1."],
            )
        elif action.asks == "revision":
            self.run_worker(self._ask_revision(action, app))
        else:
            self._confirm(action, app["name"], {})

    async def _ask_revision(self, action: Action, app: Document) -> None:
        try:
            document = await answer(partial(self.client.describe, app["name"]), "revisions")
        except ClientError as error:
            self.say(str(error), bad=True)
            return
        hints = ["Which revision? Empty: the last good one before.", *_revisions(document)]
        self._ask(action, app, "", actions.revision, hints)

    def _ask(
        self,
        action: Action,
        app: Document,
        value: str,
        check: Callable[[str], object],
        hints: Sequence[str],
    ) -> None:
        def answered(text: str | None) -> None:
            if text is not None:
                found = check(text)
                parameters = {} if found is None else {action.asks: found}
                self._confirm(action, app["name"], parameters)

        self.push_screen(Question(f"{action.title} {app['name']}", value, check, hints), answered)

    def _confirm(self, action: Action, app: str, parameters: Mapping[str, Any]) -> None:
        def answered(sentence: str | None) -> None:
            if sentence is not None:
                self.say(sentence)
                self._live.look()

        self.push_screen(Confirm(action, app, parameters), answered)

    def say(self, sentence: str, *, bad: bool = False) -> None:
        """Show a sentence for a while."""
        severity = "error" if bad else "information"
        self.notify(safe(sentence), severity=severity, timeout=6, markup=False)  # type: ignore[arg-type]


def _revisions(document: Document) -> list[str]:
    """The newest revisions, the newest first."""
    found = document["revisions"][-6:]
    words = (
        f"{one['number']:>4}  {'good' if one['good'] else one['failed'] or 'not rolled out'}"
        for one in reversed(found)
    )
    return [*words]
