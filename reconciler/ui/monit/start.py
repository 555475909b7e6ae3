"""The beginning and the end of `recon monit`: the terminal is left as it was found, however."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from reconciler.api.client import Client
from reconciler.ui.live.live import Live

Document = Mapping[str, Any]


def refusal(environ: Mapping[str, str], *, is_terminal: bool) -> str:
    """Why there can be no monitor here, a sentence; empty where there can."""
    instead = "`recon status --watch` shows the same as plain text"
    if not is_terminal:
        return f"recon monit needs a terminal for its screen and its keys; {instead}"
    if environ.get("TERM", "") in ("", "dumb", "unknown"):
        term = environ.get("TERM") or "not set"
        return f"recon monit needs a terminal that can move its cursor (TERM is {term}); {instead}"
    return ""


def run(
    client: Client,
    *,
    look_alone: Callable[[], Document],
    filter: str = "",
) -> int:
    """Show the monitor until it is left; the exit code."""
    for name in ("COLUMNS", "LINES"):  # of another window, or of this one before it was resized
        os.environ.pop(name, None)
    live = Live(client)
    live.start()  # the first answer comes while textual is imported
    from reconciler.ui.monit.monitor import Monitor  # noqa: PLC0415  0.2 s

    monitor = Monitor(live, client, look_alone=look_alone, filter=filter)
    ended_by: list[int] = []

    def leave(number: int) -> None:
        ended_by.append(number)
        monitor.exit()

    async def ready() -> None:
        import asyncio  # noqa: PLC0415  textual has it already

        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, leave, signal.SIGTERM)
        # The terminal is closed: there is nothing to leave clean, and writing to it may wait.
        loop.add_signal_handler(signal.SIGHUP, os._exit, 128 + signal.SIGHUP)

    monitor.call_later(ready)
    monitor.run()
    live.stop()
    if monitor._exception is not None:
        raise monitor._exception  # a sentence is made of it, as of all other faults
    sys.stdout.flush()
    return 128 + ended_by[0] if ended_by else monitor.return_code or 0
