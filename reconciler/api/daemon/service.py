"""The controller as a service: what it reports to systemd by sd_notify(3). Without systemd it
reports nothing.

READY once all that is declared was loaded and what ran was taken over; RELOADING around a reading
of the manifests (``systemctl reload``); a sign of life twice in the watchdog's period, from the
loop that does all the work; STOPPING when it leaves. STATUS is the line that `systemctl status`
shows.
"""

from __future__ import annotations

import asyncio
import time

from reconciler.loop.controller import Controller
from reconciler.system import sd_notify

STOPPED = 150
"""Exit code after `recon down`: the unit's ``RestartPreventExitStatus=``. From 150 on they are
the application's own (systemd.exec(5), LSB)."""
_REFRESH = 60.0
"""Seconds between two looks at STATUS, where no watchdog asks for more."""


class Service:
    """Speaks for one controller, which runs in ``loop``."""

    def __init__(self, controller: Controller, loop: asyncio.AbstractEventLoop) -> None:
        self._controller = controller
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._reading: asyncio.Task[None] | None = None
        period = sd_notify.watchdog_period()
        self._every = _REFRESH if period is None else min(period / 2, _REFRESH)

    def ready(self) -> None:
        """Everything is loaded, and is being looked after from now on."""
        if sd_notify.is_heard():
            sd_notify.send(f"READY=1\n{self._status()}")
            self._timer = self._loop.call_later(self._every, self._alive)

    def reload(self) -> None:
        """Read the manifests again, and say when that is done (systemd: Type=notify-reload)."""
        sd_notify.send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")
        self._reading = self._loop.create_task(self._reload())

    async def _reload(self) -> None:
        try:
            await self._controller.rescan()
        finally:
            sd_notify.send(f"READY=1\n{self._status()}")

    def leaving(self) -> None:
        """The controller ends now. Not before: from this on the unit's TimeoutStopSec= runs."""
        if self._timer is not None:
            self._timer.cancel()
        sd_notify.send("STOPPING=1")

    def _alive(self) -> None:
        sd_notify.send(f"WATCHDOG=1\n{self._status()}")
        self._timer = self._loop.call_later(self._every, self._alive)

    def _status(self) -> str:
        apps, processes = len(self._controller.declared()), len(self._controller.processes())
        what = "stopping everything" if self._controller.leaving else "converging"
        return f"STATUS={what}: {apps} apps declared, {processes} processes"
