"""Pages that the controller answers with one document: description, plan, events, graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from reconciler.render.describe import description
from reconciler.render.events import EventLines, details
from reconciler.render.plan import plan_text
from reconciler.ui.monit.pages.dependency_graph import Graph
from reconciler.ui.monit.pages.page import Page


class DescribePage(Page):
    """Everything known of one app: `recon describe`."""

    name_of_page = "description"

    def read(self) -> Sequence[str]:
        return description(self.monitor.client.describe(self.app_name or ""), colour=True)


class PlanPage(Page):
    """What the controller is about to change, as `recon apply --dry-run` says it."""

    name_of_page = "plan"
    every: ClassVar[float] = 5.0

    def read(self) -> Sequence[str]:
        apps = (self.app_name,) if self.app_name else ()
        document = self.monitor.client.plan(apps)
        return plan_text(document, columns=self.view.columns, colour=True)


class GraphPage(Page):
    """What depends on what. Drawn from what is known already: it asks for nothing."""

    name_of_page = "dependencies"
    every: ClassVar[float] = 1.0

    def read(self) -> Sequence[str]:
        document = self.monitor.sight.document
        graph = Graph(document["apps"] if document else (), blocks=self.monitor.blocks)
        return graph.around(self.app_name) if self.app_name else graph.all()


class EventsPage(Page):
    """What happened, and what happens: as `recon events -f`."""

    name_of_page = "events"
    every: ClassVar[float] = 1.0
    _PAST = 200

    def on_mount(self) -> None:
        self.view.follows = True
        self._past: list[dict[str, object]] | None = None
        super().on_mount()

    def read(self) -> Sequence[str]:
        if self._past is None:
            apps = (self.app_name,) if self.app_name else ()
            self._past = list(self.monitor.client.events(apps, limit=self._PAST))
        known = {event["id"] for event in self._past}
        for event in self.monitor.events():
            if event["id"] not in known and self.app_name in (None, event["app"]):
                self._past.append(dict(event))
        self._past = self._past[-10 * self._PAST :]
        lines = EventLines(self._past, colour=True, named=self.app_name is None)
        shown: list[str] = []
        for one in self._past:
            shown += [lines.of(one), *details(one, columns=None)]
        return shown or ["Nothing has happened yet."]

    def on_text_view_scrolled(self) -> None:
        """Scrolled up, it stays there; at the end it follows."""
        self.view.follows = self.view.is_at_end
