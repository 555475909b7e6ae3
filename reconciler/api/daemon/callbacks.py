"""Callbacks of the event loop that take long: for tests, where the environment asks for it.

What counts is processor time of the loop's own thread: what other processes and threads do is not
in it, collections of garbage and page faults are.
"""

from __future__ import annotations

import asyncio.events
import os
import time

SWITCH = "RECON_DEBUG_CALLBACKS"
"""Names the file that long callbacks are appended to, a line each."""
_LONG = 0.05


class Callbacks:
    """Notes every callback of more than 50 ms, and whether the controller had loaded by then."""

    def __init__(self) -> None:
        self._loaded = False
        self._path = os.environ.get(SWITCH, "")
        if self._path:
            run = asyncio.events.Handle._run

            def measured(handle: asyncio.Handle) -> None:
                began = time.thread_time()
                run(handle)
                self._note(handle, time.thread_time() - began)

            # asyncio has no public place for it.
            asyncio.events.Handle._run = measured  # type: ignore[assignment,method-assign]

    def loaded(self) -> None:
        """What comes from now on holds up apps; the first load of everything does not."""
        self._loaded = True

    def _note(self, handle: asyncio.Handle, took: float) -> None:
        if took > _LONG:
            phase = "running" if self._loaded else "loading"
            with open(self._path, "a", encoding="utf-8") as file:
                file.write(f"{phase} {took * 1000:.0f} ms {handle!r}\n")
