"""A view of the controller that keeps itself fresh, in plain threads.

    live = Live(client)
    live.start()
    snapshot = live.changed(after=0, timeout=5)     # blocks; or live.snapshot at any time
    leave = live.on_change(lambda snapshot: ...)    # called in a thread of Live; must not block
    live.look()                                     # after an action: do not wait for the next look
    live.stop()

With asyncio: ``live.on_change(lambda s: loop.call_soon_threadsafe(show, s))`` or
``await asyncio.to_thread(live.changed, n, 5)``; textual: ``app.call_from_thread``.

Guarantees. What is used is read each ``every`` seconds, the status soon after each event, and each
``_SETTLED`` seconds without one. Looks never cost the controller more than ``_SHARE`` of its time,
however much happens. A controller that is gone, or
that does not answer within ``_PATIENCE``, makes a snapshot that is ``blind``; Live goes on by
itself when it is back. ``rest`` stops looking while no person looks. No method waits on the
controller, nothing here grows: at most ``_EVENTS`` events are kept.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from reconciler.api.client import Client
from reconciler.api.errors import ClientError, ControllerLeftError, ControllerNotRunningError
from reconciler.api.following import followed
from reconciler.ui.live.snapshot import Snapshot

_EVERY = 2.0
_SHARE = 0.02
"""Of one core of the controller, at most; measured by how long it takes to answer."""
_SETTLED = 10.0
_PATIENCE = 4.0
"""Seconds without an answer after which the controller counts as silent."""
_SILENT = "the controller has not answered for {:.0f} s; it may be stopped or overloaded"
_AGAIN = 1.0
"""Seconds between two tries while no controller answers."""
_EVENTS = 200


class Live:
    """Follows one controller. Thread-safe."""

    def __init__(self, client: Client, *, every: float = _EVERY) -> None:
        self._client = client
        self._every = every
        self._condition = threading.Condition()
        self._snapshot = Snapshot()
        self._watchers: list[Callable[[Snapshot], object]] = []
        self._events: deque[Mapping[str, Any]] = deque(maxlen=_EVENTS)
        self._wanted = threading.Event()
        """Set: a look is wanted before its time."""
        self._urgent = threading.Event()
        """Set: at once, whatever it costs."""
        self._resting = False
        self._ended = False
        self._looking_since: float | None = None
        self._status_until = 0.0
        """Until when the status may stay as it is, unless something happens."""

    @property
    def snapshot(self) -> Snapshot:
        """The newest; at once."""
        with self._condition:
            return self._snapshot

    def start(self) -> None:
        """Begin to look and to follow; the threads end with the program."""
        for run in (self._look_on, self._follow_on, self._watch_on):
            threading.Thread(target=run, name=f"live-{run.__name__}", daemon=True).start()

    def stop(self) -> None:
        """No look begins any more, and no watcher is called."""
        with self._condition:
            self._ended = True
            self._watchers.clear()
            self._condition.notify_all()
        self._urgent.set()
        self._wanted.set()

    def changed(self, after: int, timeout: float | None = None) -> Snapshot:
        """The first snapshot with a greater number than ``after``, else after ``timeout`` the
        newest there is."""
        with self._condition:
            self._condition.wait_for(
                lambda: self._ended or self._snapshot.number > after, timeout=timeout
            )
            return self._snapshot

    def on_change(self, watcher: Callable[[Snapshot], object]) -> Callable[[], None]:
        """Call ``watcher`` with each snapshot to come; the answer ends that."""
        with self._condition:
            self._watchers.append(watcher)

        def leave() -> None:
            with self._condition, contextlib.suppress(ValueError):
                self._watchers.remove(watcher)

        return leave

    def look(self) -> None:
        """Have a look taken at once: a person has changed something."""
        self._urgent.set()
        self._wanted.set()

    def rest(self, resting: bool = True) -> None:
        """Leave the controller alone until a person looks again (``False``); events still come."""
        with self._condition:
            self._resting = resting
        if not resting:
            self.look()

    # -- the three threads ---------------------------------------------------------------------

    def _look_on(self) -> None:
        while not self._ended:
            began = time.monotonic()
            self._looking_since = began
            happened = self._wanted.is_set() or began >= self._status_until
            self._wanted.clear()
            self._urgent.clear()
            answered = self._look_once(happened)
            self._looking_since = None
            took = time.monotonic() - began
            self._pause(took / _SHARE if answered else _AGAIN)

    def _pause(self, least: float) -> None:
        """Until the next look is due: ``least`` seconds in any case, ``every`` without an event."""
        deadline = time.monotonic() + min(least, 30.0)
        self._wanted.wait(max(self._every, least))
        while self._resting and not self._ended and not self._wanted.wait(self._every):
            pass
        self._urgent.wait(max(0.0, deadline - time.monotonic()))

    def _look_once(self, happened: bool) -> bool:
        """Whether the controller answered. The status costs seven times as much as what is used
        (60 ms for 500 instances), and seldom changes without an event."""
        try:
            status = self._client.status() if happened else self.snapshot.status
            usage = self._client.usage()
        except ClientError as error:
            self._status_until = 0.0
            is_gone = isinstance(error, ControllerNotRunningError | ControllerLeftError)
            self._be_blind(str(error), is_gone)
            return False
        if happened:
            self._status_until = time.monotonic() + _SETTLED
        self._publish(
            status=status,
            usage=usage,
            read_at=time.time(),
            blind="",
            is_gone=False,
            blind_since=0.0,
        )
        return True

    def _follow_on(self) -> None:
        """Events, over restarts of the controller."""
        while not self._ended:
            with contextlib.suppress(ClientError):
                for event in followed(self._client, self._wanted.set, _EVENTS):
                    if self._ended:
                        return
                    self._events.append(event)
                    if not self._resting:
                        self._wanted.set()
            time.sleep(_AGAIN)

    def _watch_on(self) -> None:
        """Say so where an answer does not come: the thread that looks is waiting for it."""
        while not self._ended:
            since = self._looking_since
            if since is not None and time.monotonic() - since > _PATIENCE:
                self._be_blind(_SILENT.format(time.monotonic() - since))
            time.sleep(_AGAIN)

    # -- what is known -------------------------------------------------------------------------

    def _be_blind(self, reason: str, is_gone: bool = False) -> None:
        since = self.snapshot.blind_since or time.time()
        self._publish(blind=reason, is_gone=is_gone, blind_since=since)

    def _publish(self, **news: Any) -> None:
        with self._condition:
            before = self._snapshot
            events = tuple(self._events)
            self._snapshot = replace(before, number=before.number + 1, events=events, **news)
            snapshot, watchers = self._snapshot, tuple(self._watchers)
            self._condition.notify_all()
        for watcher in watchers:
            watcher(snapshot)
