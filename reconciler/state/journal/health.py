"""How the journal is, and the events that tell of it: one when trouble comes, one when it goes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from reconciler.model.state.event import Event
from reconciler.model.state.memory import JournalHealth, JournalState, Recall
from reconciler.model.state.reason import EventReason
from reconciler.model.words.sentence import Sentence
from reconciler.state.journal import database


class Health:
    """The state of the journal at ``path``, and its news."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.state = JournalState()
        self.news: list[Event] = []

    def take_news(self) -> list[Event]:
        """What happened to the journal since this was last asked."""
        news, self.news = self.news, []
        return news

    def losses_noted(self) -> None:
        """Every app of which the memory was lost is marked so: those to come are new."""
        if self.state.unremembered is Recall.LOST:
            self.state = replace(self.state, unremembered=Recall.WHOLE)

    def unusable(self, error: Exception, *, is_read: bool) -> None:
        """It cannot be opened to write; ``is_read``: all that it remembers is known."""
        if is_read:
            self.fail(JournalHealth.UNWRITABLE, error)
        else:
            self.fail(JournalHealth.UNREADABLE, error, Recall.UNREAD)

    def lose(self, error: BaseException, *, complete: bool = False) -> None:
        """It is damaged; ``complete``: what it remembers of apps could be read."""
        self.fail(JournalHealth.SET_ASIDE, error, None if complete else Recall.LOST)

    def fail(
        self, health: JournalHealth, error: BaseException, unremembered: Recall | None = None
    ) -> None:
        """Note that it cannot be used, and tell it once."""
        before = self.state
        why = _why(self._path, health, error)
        self.state = JournalState(health, *why, unremembered or before.unremembered)
        if health is not before.health and not self.state.writable:
            self.news.append(Event("", EventReason.JOURNAL_UNAVAILABLE, self.state.text, "Warning"))

    def well(self) -> None:
        """It can be written."""
        before = self.state
        aside = database.aside_of(self._path)
        unremembered = before.unremembered
        if unremembered is Recall.UNREAD:
            unremembered = Recall.WHOLE
        if aside:
            message = "the journal was damaged, and a new one was begun"
            remedy = f"the damaged one is {aside[-1]} (remove it when you no longer need it)"
            self.state = JournalState(JournalHealth.SET_ASIDE, message, remedy, unremembered)
        else:
            self.state = JournalState(unremembered=unremembered)
        if not before.writable:
            message = f"the journal {self._path} is written again"
            self.news.append(Event("", EventReason.JOURNAL_RECOVERED, message))


def _why(path: Path, health: JournalHealth, error: BaseException) -> Sentence:
    why = (error.strerror if isinstance(error, OSError) else None) or str(error)
    if path.is_dir():
        why = "it is a directory"
    if health is JournalHealth.UNREADABLE:
        rest = "recon tries again; until then no Job, rollout or removal begins"
        return Sentence(f"the journal {path} cannot be read: {why}", rest)
    if health is JournalHealth.UNWRITABLE:
        rest = "recon tries again; until then no run of a Job begins"
        return Sentence(f"the journal {path} cannot be written: {why}", rest)
    return Sentence(f"the journal {path} is damaged ({why})", "the next controller sets it aside")
