"""Following events until Ctrl-C, also over restarts of the controller."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from reconciler.api.client import Client
from reconciler.api.errors import ControllerLeftError, ControllerNotRunningError
from reconciler.model.state.reason import EventReason

_AGAIN = 0.5
"""Seconds between two looks whether a controller is there again."""
_MOST = 100_000
"""Events of a time in which none was read: more than a journal holds of most hosts."""


def followed(
    client: Client, on_left: Callable[[], None], limit: int, **wanted: Any
) -> Iterator[dict[str, Any]]:
    """The last ``limit`` events and those to come, each once. ``on_left`` is called when the
    controller has ended; ControllerNotRunningError where there was none to begin with."""
    began = datetime.now(UTC).isoformat()
    position: str | None = None
    is_connected = False
    while True:
        try:
            for event in client.events(follow=True, limit=limit, **wanted):
                is_connected = True
                if (
                    event["reason"] == EventReason.EVENTS_LEFT_OUT
                    and "id" in event
                    and event["id"] is None
                ):
                    break  # what was left out is in the journal
                position = event.get("id") or position
                yield event
        except ControllerNotRunningError:
            if not is_connected:
                raise
        except ControllerLeftError:
            is_connected = True
            on_left()
        time.sleep(_AGAIN)
        if position is not None:
            wanted["after"] = position
        elif "since" not in wanted or wanted["since"] is None:
            wanted["since"], limit = began, _MOST
