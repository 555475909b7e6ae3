"""The numbers behind the metrics, as JSON lines: one of the controller, then one of each app.

They are gathered in turns with the rest of the loop. Only one app is worked out without a break.
What is asked again within ``_FRESH`` gets the same lines, so that many who ask cost as much as one.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import resource
import time
from typing import Any

from reconciler import __version__
from reconciler.api.metrics import rows
from reconciler.api.server.turn import Turn
from reconciler.loop.controller import Controller
from reconciler.model.state.builder import built_by
from reconciler.model.state.plan import AppPlan
from reconciler.observed.host.samples import PAGE, sample
from reconciler.system import procfs
from reconciler.system.clock import ticks_to_seconds, wall_of

_FRESH = 1.0
_AT_ONCE = 50
"""Instances that are sampled before the clock is looked at."""


class Facts:
    """The lines of one controller."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._gathering = asyncio.Lock()
        self._lines: list[bytes] = []
        self._at = float("-inf")

    async def lines(self) -> list[bytes]:
        """Those of now, or of a moment ago."""
        async with self._gathering:
            if time.monotonic() - self._at > _FRESH:
                self._lines = await self._gather()
                self._at = time.monotonic()
            return self._lines

    async def _gather(self) -> list[bytes]:
        turn, apps = Turn(), list[bytes]()
        for plan in self._controller.plans():
            if built_by(plan.app) is None:
                apps.append(_line(await self._of_app(plan, turn)))
            await turn.pause()
        return [_line(self._of_controller(turn.end())), *apps]

    async def _of_app(self, plan: AppPlan, turn: Turn) -> dict[str, Any]:
        controller, name = self._controller, plan.app
        limit = controller.sampling.limits.get(name)
        running = [row for row in plan.status.instances if row.process is not None]
        instances = []
        for start in range(0, len(running), _AT_ONCE):
            some = running[start : start + _AT_ONCE]
            samples = sample(row.process for row in some if row.process is not None)
            for row in some:
                assert row.process is not None
                nonce = row.process.tag.nonce
                _, trend = controller.sampling.known(row.process)
                weighed = controller.sampling.weighed(nonce)
                found = samples.get(nonce)
                instances.append(
                    rows.instance(row, found, trend, pss=weighed, limit=limit, wall_of=wall_of)
                )
            await turn.pause()
        memory, tally = controller.history.memory(name), controller.tally.of(name)
        return rows.app(plan, instances, memory, tally)

    def _of_controller(self, took: float) -> dict[str, Any]:
        controller = self._controller
        history, passes = controller.history, controller.tally.passes
        return {
            "version": __version__,
            "python": platform.python_version(),
            "process": _process(),
            "problems": controller.problems(),
            "journal": history.journal.health.value,
            "events": [[*kind, count] for kind, count in history.recorded.items()],
            "eventsLeftOut": history.left_out,
            "eventsLost": history.lost,
            "notifications": _notifications(controller),
            "queue": controller.waiting,
            "passes": {"buckets": passes.buckets, "seconds": passes.total},
            "failedPasses": controller.tally.failed_passes,
            "gathered": took,
        }


def _notifications(controller: Controller) -> list[list[str | int]]:
    """By target: messages that were sent, that were given up or dropped, and that wait."""
    notices = controller.notices
    waiting = notices.waiting()
    return [
        [name, one.sent, one.given_up + one.dropped, waiting.get(name, 0)]
        for name, one in notices.records.items()
    ]


def _line(facts: dict[str, Any]) -> bytes:
    return json.dumps(facts, separators=(",", ":")).encode()


def _process() -> dict[str, float | int | None]:
    """What the controller itself uses."""
    own = procfs.stat(os.getpid())
    try:
        open_files = len(os.listdir("/proc/self/fd"))
    except OSError:  # no descriptor is left to look with
        open_files = None
    return {
        "cpu": time.process_time(),
        "rss": own.rss * PAGE if own is not None else None,
        "startTime": wall_of(ticks_to_seconds(own.start)) if own is not None else None,
        "openFiles": open_files,
        "mostFiles": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
    }
