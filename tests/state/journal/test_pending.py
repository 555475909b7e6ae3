"""What waits for a journal that cannot be written is bounded, and what is given up is counted."""

from __future__ import annotations

import pytest

from reconciler.model.state.event import Event
from reconciler.state.journal import pending as pending_module
from reconciler.state.journal.events import RecordedEvent
from reconciler.state.journal.pending import Pending


def test_the_oldest_events_are_given_up_and_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pending_module, "_PENDING_KEPT", 3)
    pending = Pending()
    for number in range(1, 6):
        pending.record(RecordedEvent(number, 0.0, Event("web", "Started", "it started")))
        pending.bound()
    assert [one.id for one in pending.events] == [3, 4, 5] and pending.lost == 2
