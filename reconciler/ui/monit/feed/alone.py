"""What recon sees without a controller: the look of `recon status`, while none answers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from threading import Event
from typing import Any

from reconciler.ui.monit.feed.background import beside

Document = Mapping[str, Any]
_EVERY = 5.0
"""Seconds between two looks: each reads all manifests and `/proc`."""
_FIRST = 3.0
"""Seconds of patience with a controller that is being replaced."""


class Alone:
    """Looks in a thread of its own, as long as it is ``wanted``."""

    def __init__(
        self, look: Callable[[], Document], show: Callable[[Document, float], None]
    ) -> None:
        """``show`` is called in that thread, with the document and the time of the look."""
        self._look = look
        self._show = show
        self._wanted = Event()
        self._began = False

    def want(self, wanted: bool, *, patient: bool = True) -> None:
        """Begin, or stop. ``patient``: not before the controller has been away for a while."""
        if not wanted:
            self._wanted.clear()
        elif not self._wanted.is_set():
            self._patience = _FIRST if patient else 0.0
            self._wanted.set()
            if not self._began:
                self._began = True
                beside(self._run, "alone")

    def _run(self) -> None:
        while True:
            self._wanted.wait()
            time.sleep(self._patience)
            while self._wanted.is_set():
                try:
                    document = self._look()
                except Exception:  # why the controller does not answer is shown already
                    document = None
                if document is not None and self._wanted.is_set():
                    self._show(document, time.time())
                time.sleep(_EVERY)
