"""The logs of one app, or of one instance: followed, searched, scrolled back to the beginning."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any, ClassVar

from textual.binding import Binding, BindingType

from reconciler.api.errors import ClientError
from reconciler.ui.monit.feed.background import answer
from reconciler.ui.monit.pages.log_feed import Line, LogFeed
from reconciler.ui.monit.pages.log_lines import log_lines
from reconciler.ui.monit.pages.page import Page
from reconciler.ui.monit.widgets.textview import TextView

_FIRST = 300
"""Lines that are shown at once; more come when one scrolls up."""
_OLDER = 500
_EVERY = 0.2
"""Seconds between two looks for new lines."""
_STREAMS = (None, "stderr", "stdout")


class LogsPage(Page):
    """`recon logs -f`, with a search in what is shown, and then in the whole log."""

    name_of_page = "logs"
    every: ClassVar[float] = 0.0
    first_step: ClassVar[int] = -1  # the newest lines are at the end
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f", "follow", "Follow", priority=True),
        Binding("o", "stream", "Stream", show=False, priority=True),
        Binding("i", "fold_json", "JSON", show=False, priority=True),
    ]

    def __init__(self, app_name: str, instance: str | None = None) -> None:
        super().__init__(app_name)
        self._instance = instance
        self._stream = 0
        self._folds_json = False
        self._feed: LogFeed | None = None
        self._oldest: str | None = None
        self._is_empty = True
        self._asking = False
        self._found: list[Line] | None = None
        """The lines of a search in the whole log, while they are shown."""

    def on_mount(self) -> None:
        self.view.focus()
        self.view.follow(True)
        self._begin()
        self.set_interval(_EVERY, self._take)
        self._head()

    def on_unmount(self) -> None:
        if self._feed is not None:
            self._feed.close()

    def subject(self) -> str:
        stream = _STREAMS[self._stream]
        of = f" {stream}" if stream else ""
        mark = "  following" if self.view.follows else "  paused, f follows"
        return f"{self._instance or self.app_name}: logs{of}{mark if self._found is None else ''}"

    def look(self) -> None:
        self._show_banner()
        self._head()

    # -- lines ---------------------------------------------------------------------------------

    def _begin(self) -> None:
        """Follow from here, with what was written last."""
        if self._feed is not None:
            self._feed.close()
        self._oldest, self._is_empty, self._found = None, True, None
        self.view.show(["waiting for the controller …"])
        self._feed = LogFeed(
            self.monitor.own_client(), self.app_name or "", lines=_FIRST, **self._query()
        )
        self._feed.start()

    def _query(self) -> dict[str, Any]:
        return {"instance": self._instance, "stream": _STREAMS[self._stream]}

    def _take(self) -> None:
        """Show what has come."""
        if self._feed is None or self._found is not None:
            return
        lines, left_out = self._feed.taken()
        if self._is_empty:
            if lines:
                self._oldest, self._is_empty = _first(lines), False
                self.view.show([])
            elif self._feed.problem:
                self.view.show([self._feed.problem])
            elif self._feed.is_quiet:
                self.view.show(["Nothing has been written yet."])
        if left_out:
            self.view.append(
                [f"… {left_out:,} lines came too fast to be shown; recon logs has them"]
            )
        if lines:
            self.view.append(self._shown(lines))

    def _shown(self, lines: Iterable[Line]) -> Iterator[str]:
        for line in lines:
            yield from log_lines(line, several=self._instance is None, folds=self._folds_json)

    def on_text_view_scrolled(self, message: TextView.Scrolled) -> None:
        """Scrolled up, it stays there; at the end it follows; at the top it goes on reading."""
        if self._found is not None:
            return
        self.view.follows = self.view.is_at_end
        self._head()
        if self.view.is_at_top and not self._asking and self._oldest is not None:
            self._asking = True
            self.run_worker(self._older())

    async def _older(self) -> None:
        """The lines before the oldest one shown."""
        ask = partial(
            self.monitor.client.logs,
            *(self.app_name or "",),
            lines=_OLDER,
            before=self._oldest,
            **self._query(),
        )
        try:
            lines = await answer(lambda: list(ask()), "older")
        except ClientError as error:
            self.note(str(error))
        else:
            if _first(lines):
                self._oldest = _first(lines) or self._oldest
                self.view.prepend(self._shown(lines))
            else:
                self.note("this is the beginning of the log")
        self._asking = False

    # -- keys ----------------------------------------------------------------------------------

    def action_follow(self) -> None:
        self.view.follow(not self.view.follows)
        self._head()

    def action_stream(self) -> None:
        """Both streams, standard error alone, standard output alone."""
        self._stream = (self._stream + 1) % len(_STREAMS)
        self.view.follow(True)
        self._begin()
        self._head()

    def action_fold_json(self) -> None:
        """Take lines of JSON apart, as `recon logs --pretty` does, or leave them."""
        self._folds_json = not self._folds_json
        self.view.follow(True)
        self._begin()

    def sought(self, needle: str, found: int) -> None:
        if found or self._found is not None:
            super().sought(needle, found)
        else:
            self.note("looking in the whole log …")
            self.run_worker(self._search_all(needle))

    async def _search_all(self, needle: str) -> None:
        ask = partial(
            self.monitor.client.logs,
            *(self.app_name or "",),
            lines=_OLDER,
            search=needle,
            **self._query(),
        )
        try:
            lines = await answer(lambda: list(ask()), "search")
        except ClientError as error:
            self.note(str(error))
            return
        if not lines:
            self.note(f"no {needle!r} in the whole log")
            return
        self._found = lines
        self.view.follow(False)
        self.view.show(self._shown(lines))
        self.view.search(needle)
        self.note(f"{len(lines)} lines of the whole log with {needle!r}; esc shows the log again")

    def on_prompt_dropped(self) -> None:
        super().on_prompt_dropped()
        if self._found is not None:
            self.view.follow(True)
            self._begin()


def _first(lines: Iterable[Line]) -> str | None:
    """The position of the first line that has one; a notice of the controller has none."""
    return next((line["position"] for line in lines if line["position"]), None)
