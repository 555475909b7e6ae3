"""What all pages of text have: a head, the lines, a search, keys at the bottom."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, cast

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import Screen
from textual.widgets import Footer

from reconciler.api.errors import ClientError
from reconciler.ui.monit.feed.background import answer
from reconciler.ui.monit.widgets.headline import Banner, Headline, summary
from reconciler.ui.monit.widgets.prompt import Prompt
from reconciler.ui.monit.widgets.textview import TextView

if TYPE_CHECKING:
    from reconciler.ui.monit.monitor import Monitor

_SHARE = 50.0
"""A page is read again at the earliest after so many times as long as the answer took: 2 %."""
_LONGEST = 10.0
"""But after so many seconds, however busy the host was when it was read last."""


class Page(Screen[None]):
    """A page of text about one app, or about all. What it says is read in ``read``."""

    every: ClassVar[float] = 3.0
    """Seconds after which it is read again; 0: it never changes."""
    name_of_page: ClassVar[str] = ""
    first_step: ClassVar[int] = 1
    """Where a search goes first: down, or up (-1)."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "Back", key_display="esc", priority=True),
        Binding("slash", "search", "Search", key_display="/", priority=True),
        Binding("n", "next(1)", "Next", show=False, priority=True),
        Binding("N", "next(-1)", "Previous", show=False, priority=True),
        Binding("w", "fold", "Wrap", show=False, priority=True),
    ]

    def __init__(self, app_name: str | None = None) -> None:
        super().__init__()
        self.app_name = app_name
        self._due = 0.0
        self._reading = False
        self._needle = ""
        self._note = ""

    @property
    def monitor(self) -> Monitor:
        return cast("Monitor", self.app)

    @property
    def view(self) -> TextView:
        return self.query_one(TextView)

    def compose(self) -> ComposeResult:
        yield Headline()
        yield Banner()
        yield TextView()
        yield Prompt("/", "text to look for")
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        self.view.focus()
        self.look()

    def on_resize(self) -> None:
        self._head()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """No key of the page does anything before its widgets are there, or in a text."""
        if not self.is_mounted or self.monitor.is_typing:
            return None
        return super().check_action(action, parameters)

    # -- what it says --------------------------------------------------------------------------

    def read(self) -> Sequence[str]:
        """The lines, asked for in a thread. ClientError where there is no answer."""
        raise NotImplementedError

    def look(self) -> None:
        """Something may have changed, or a second has passed: read it again where that is due."""
        self._head()
        self._show_banner()
        if not self._reading and time.monotonic() >= self._due:
            self._reading = True
            self.run_worker(self._read())

    def _show_banner(self) -> None:
        self.query_one(Banner).look(self.monitor.sight, self.monitor.now())

    async def _read(self) -> None:
        began = time.monotonic()
        try:
            lines = await answer(self.read, self.name_of_page)
        except ClientError as error:
            self._say_error(str(error))
        else:
            self.view.show(lines)
        took = time.monotonic() - began
        wait = max(self.every, min(took * _SHARE, _LONGEST))
        self._due = time.monotonic() + wait if self.every else 2.0**60
        self._reading = False

    def _say_error(self, sentence: str) -> None:
        """What was read before stays; the banner says where the controller is gone."""
        if not self.view.lines:
            self.view.show([sentence])

    # -- the head ------------------------------------------------------------------------------

    def subject(self) -> str:
        """What the page is about."""
        return f"{self.app_name}: {self.name_of_page}" if self.app_name else self.name_of_page

    def note(self, text: str) -> None:
        """Say something at the right of the head."""
        self._note = text
        self._head()

    def _head(self) -> None:
        right = [Text(self._note, "bold")] if self._note else summary(self.monitor.sight)
        self.query_one(Headline).say(Text(self.subject(), "bold"), right)

    # -- search --------------------------------------------------------------------------------

    def action_search(self) -> None:
        self.query_one(Prompt).open(self._needle)

    def on_prompt_changed(self, message: Prompt.Changed) -> None:
        self._needle = message.text
        found = self.view.search(message.text)
        self.query_one(Prompt).hint(f"{found} lines" if message.text else "")

    def on_prompt_kept(self, message: Prompt.Kept) -> None:
        self._needle = message.text
        self.view.focus()
        found = self.view.search(message.text)
        if message.text:
            self.sought(message.text, found)

    def on_prompt_dropped(self) -> None:
        self._needle = ""
        self.view.search("")
        self.view.focus()
        self.note("")

    def sought(self, needle: str, found: int) -> None:
        """A search was ended with Enter."""
        self.note(
            f"{found} lines with {needle!r}: n next, N previous" if found else f"no {needle!r}"
        )
        self.view.next(self.first_step)

    def action_next(self, step: int) -> None:
        if not self._needle:
            self.action_search()
        elif not self.view.next(step):
            self.note(f"no {self._needle!r}")

    def action_fold(self) -> None:
        self.view.fold(not self.view.folds)

    def action_leave(self) -> None:
        if self._needle:
            self.on_prompt_dropped()
        else:
            self.dismiss()
