"""Notifications of a controller: its journal, a loop, and a real notifier, without the rest."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.loop.notices.notices import Notices
from reconciler.model.spec.notify import NotifyTarget
from reconciler.model.state.event import EndDetails, Event
from reconciler.state.event_filter import EventFilter
from reconciler.state.history import History
from reconciler.state.journal.journal import Journal
from tests.diff.notices.driver import FakeAround
from tests.notify.conftest import closed_port, web

__all__ = ["closed_port", "own", "web"]


class NotedAround(FakeAround):
    """What the controller would say, with the ends that it was told of."""

    def note(self, event: Event) -> None:
        if event.end is not None:
            self.ends[event.app] = event.end


class Own:
    """One state directory, on which controllers come and go."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self.around = NotedAround()
        self.alive: list[Notices] = []
        self.begin()

    def begin(self) -> None:
        """As a controller that has started; nothing is declared."""
        self.journal = Journal(self.folder / "recon.db", "boot")
        self.history = History(self.journal, self.loop, lambda name: None)
        around: Any = self.around
        self.notices = Notices(
            self.loop, self.history, around, folder=str(self.folder), store="0badcafe"
        )
        self.alive.append(self.notices)

    def declare(self, *targets: dict[str, Any]) -> None:
        """What the Settings say: at the start of a controller, or as an edit."""
        found = tuple(NotifyTarget.model_validate(target) for target in targets)
        if self.notices.targets:
            self.notices.declare(found)
        else:
            self.notices.begin(found)

    def kill(self) -> None:
        """As SIGKILL of the controller: nothing more is written, and its notifier ends with it."""
        pid = self.notices.process[0]
        self.history._commit_soon = lambda wait=0.0: None  # type: ignore[method-assign]
        self.notices._save = lambda: None  # type: ignore[method-assign]
        self.journal.commit = lambda: None  # type: ignore[method-assign]
        self.notices.close()
        if pid:
            self.until(lambda: not os.path.exists(f"/proc/{pid}"))

    def event(self, app: str, reason: str, message: str = "it happened", **more: Any) -> None:
        self.history.record(Event(app, reason, message, "Warning", 0, **more))

    def crash(self, app: str = "web") -> None:
        self.around.unwell.add(app)
        self.event(app, "Exited", "pid 7 ended: exit 3", end=EndDetails(code=3, stderr=("boom",)))
        self.event(app, "BackOff", "crashed 2 times in a row; next try in 1.0 s")

    def until(self, condition: Callable[[], object], seconds: float = 60) -> None:
        """Let the loop run until something is so."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, condition
            self.loop.run_until_complete(asyncio.sleep(0.005))

    def reasons(self) -> list[str]:
        """Of the events that are about notifications."""
        every = self.history.events_after(EventFilter(), 0, 10_000)
        return [one.event.reason for one in every if one.event.reason.startswith("Notifi")]

    def on_disk(self) -> list[str]:
        """The ids of messages that a new controller would find."""
        found = Journal.open_readonly(self.folder / "recon.db", "boot")
        assert found is not None
        ids = [*found.outbox()]
        found.close()
        return ids

    def close(self) -> None:
        for notices in self.alive:
            notices.close()
        self.loop.run_until_complete(asyncio.sleep(0.05))
        self.loop.close()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Own]:
    made = Own(tmp_path)
    yield made
    made.close()


def stop(pid: int) -> None:
    """As a process that hangs."""
    os.kill(pid, signal.SIGSTOP)
