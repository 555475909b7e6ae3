"""The palette (`ctrl+p`): every command of the monitor by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from reconciler.ui.monit.ask.actions import actions_of
from reconciler.ui.monit.theme import DARK, LIGHT, TERMINAL

if TYPE_CHECKING:
    from reconciler.ui.monit.monitor import Monitor

PAGES = {
    "describe": "everything known of it",
    "logs": "what it writes",
    "plan": "what is about to change",
    "events": "what happened",
    "graph": "what depends on what",
}


class Command(NamedTuple):
    title: str
    help: str
    run: Callable[[], object]


class Commands(Provider):
    """Commands for the app that the cursor is on first, then those for all."""

    @property
    def _monitor(self) -> Monitor:
        return cast("Monitor", self.app)

    def _commands(self) -> Iterator[Command]:
        monitor = self._monitor
        app = monitor.chosen
        if app is not None:
            name = app["name"]
            for action in actions_of(app):
                yield Command(f"{action.title} {name}", action.help, partial(monitor.act, action))
            for page, words in PAGES.items():
                run = partial(monitor.action_page, page)
                yield Command(f"Show {page} of {name}", words, run)
        for page in ("plan", "events", "graph"):
            run = partial(monitor.action_page, page, True)
            yield Command(f"Show {page} of all apps", PAGES[page], run)
        for theme in (DARK, LIGHT, TERMINAL):
            run = partial(setattr, monitor, "theme", theme.name)
            yield Command(f"Colours: {theme.name}", "until the monitor is left", run)
        yield Command("Keys", "all keys, on one page", monitor.action_help)
        yield Command("Quit", "leave the monitor; apps keep running", monitor.exit)

    async def discover(self) -> Hits:
        for command in self._commands():
            yield DiscoveryHit(command.title, command.run, help=command.help)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for command in self._commands():
            score = matcher.match(command.title)
            if score > 0:
                shown = matcher.highlight(command.title)
                yield Hit(score, shown, command.run, help=command.help)
