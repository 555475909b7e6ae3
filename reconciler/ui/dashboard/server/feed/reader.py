"""What pages need beyond the snapshot, asked of the controller no more often than it changes.

One app in full costs the controller as much as the status of all (60 ms with 500 instances): it is
asked for again where something about the app has changed, and each ``_SAMPLED`` seconds for its
charts. Called in threads; one question about an app at a time.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from reconciler.api.client import Client
from reconciler.api.errors import ApiError, ClientError
from reconciler.ui.dashboard.server.doctor import Doctor
from reconciler.ui.dashboard.views.one_app import Known
from reconciler.ui.live.snapshot import Snapshot

_SAMPLED = 15.0
"""Seconds between two samples of the controller."""
_MOST = 32
"""Apps that are remembered."""
_RIGHTS = 60.0
"""Seconds until it is asked again what this user may do."""
_SHOWN = (
    *("sync", "health", "ready", "desired", "updated", "available", "revision", "restarts"),
    *("message", "drift", "conditions", "load", "runs", "nextRun"),
)
Document = Mapping[str, Any]


class NoSuchAppError(Exception):
    """There is no app of that name (any more)."""


class Reader:
    """Asks one controller; remembers the answers."""

    def __init__(self, controller: Client, doctor: Doctor | None = None) -> None:
        self.controller = controller
        self.doctor = doctor or Doctor()
        self._lock = threading.Lock()
        self._locks: dict[str, threading.Lock] = {}
        self._known: OrderedDict[str, tuple[float, Any, Known]] = OrderedDict()
        self._rights: tuple[float, bool] = (float("-inf"), False)

    def app(self, name: str, snapshot: Snapshot) -> Known:
        """One app in full. While no controller answers, what was known before.

        NoSuchAppError; ClientError where nothing is known."""
        with self._lock:
            turn = self._locks.setdefault(name, threading.Lock())
        with turn:
            mark = _mark(name, snapshot)
            until, before, known = self._known.get(name, (0.0, None, None))
            if known is not None and before == mark and time.monotonic() < until:
                return known
            try:
                found = self._ask(name, snapshot)
            except ClientError as error:
                if isinstance(error, ApiError) and error.status == 404:
                    self.forget(name)
                    raise NoSuchAppError(str(error)) from None
                if known is None:
                    raise
                return known
            self._remember(name, mark, found)
            return found

    def forget(self, name: str) -> None:
        """Ask again: a person has changed something."""
        with self._lock:
            self._known.pop(name, None)

    def may_act(self) -> bool:
        """Whether the user that the page runs as may change anything: members of the API's group
        may look only."""
        until, may = self._rights
        if time.monotonic() < until:
            return may
        try:
            self.controller.act("restart", "-", dry_run=True)
            may = True
        except ApiError as error:
            if not error.status:
                return may
            may = error.status != 403
        except ClientError:
            return may
        self._rights = (time.monotonic() + _RIGHTS, may)
        return may

    def _ask(self, name: str, snapshot: Snapshot) -> Known:
        described = self.controller.describe(name)
        app = described["app"]
        if app["sync"] == "Synced" and app["health"] != "Progressing":
            return Known(described)
        try:
            changes = self.controller.plan((name,))["changes"]
        except ApiError:
            changes = []  # the manifests cannot be read now; the status says why
        return Known(described, next((one for one in changes if one["app"] == name), None))

    def _remember(self, name: str, mark: Any, known: Known) -> None:
        with self._lock:
            self._known[name] = (time.monotonic() + _SAMPLED, mark, known)
            self._known.move_to_end(name)
            while len(self._known) > _MOST:
                gone, _ = self._known.popitem(last=False)
                self._locks.pop(gone, None)


def _mark(name: str, snapshot: Snapshot) -> Any:
    """What is another as soon as something about the app has changed."""
    app = snapshot.app(name)
    if app is None:
        return None
    rows = [(row["pid"], row["state"], row["ready"], row["status"]) for row in app["instances"]]
    last = next((one["id"] for one in reversed(snapshot.events) if one["app"] == name), None)
    return [app.get(key) for key in _SHOWN], rows, last
