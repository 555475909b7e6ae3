"""What a soak's users do, over and over: each habit has a thread and a period of its own."""

from __future__ import annotations

import itertools
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from e2e.harness import Recon
from e2e.programs import SLEEP
from e2e.soak import crew
from reconciler.api.errors import ApiError
from reconciler.ui.live.live import Live


class Users:
    """All habits, until ``stop``. What goes wrong in one ends it and is kept in ``faults``."""

    def __init__(self, recon: Recon, hurry: float) -> None:
        self._recon = recon
        self._hurry = hurry
        """By this the periods are divided."""
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._client = recon._ask
        self.faults: list[str] = []
        self.count: dict[str, int] = {}
        """How often each thing was done."""

    def start(self) -> None:
        for name, (period, steps) in self._habits().items():
            self.count[name] = 0
            run = threading.Thread(target=self._repeat, args=(name, period, steps), daemon=True)
            self._threads.append(run)
            run.start()

    def stop(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(60)

    def _habits(self) -> dict[str, tuple[float, Iterator[Callable[[], Any]]]]:
        return {
            "rolling edits": (4.0, self._edits()),
            "mistakes and corrections": (9.0, self._mistakes()),
            "apps added and removed": (11.0, self._comings()),
            "scalings": (7.0, self._scalings()),
            "restarts, suspensions and undos by the API": (13.0, self._actions()),
            "processes killed": (5.0, self._kills()),
            "Job runs by the API": (17.0, itertools.repeat(self._run_job)),
            "answers of the API": (3.0, self._looks()),
            "monitors opened and closed": (23.0, self._monitors()),
            "commands": (61.0, self._commands()),
        }

    def _repeat(self, name: str, period: float, steps: Iterator[Callable[[], Any]]) -> None:
        for step in steps:
            if self._over.wait(period / self._hurry):
                return
            try:
                step()
            except ApiError as error:
                if error.status != 409:  # it cannot be done just now: another habit is at the app
                    self.faults.append(f"{name}: {error}")
            except Exception as error:  # it fails the run, at its end
                self.faults.append(f"{name}: {type(error).__name__}: {error}")
                return
            self.count[name] += 1

    def _edits(self) -> Iterator[Callable[[], Any]]:
        for version in itertools.count(1):
            name = crew.ROLLING[version % 2]
            text = crew.rolling(name, version // 2)
            yield partial(self._recon.write, f"{name}.yaml", text)

    def _mistakes(self) -> Iterator[Callable[[], Any]]:
        name = crew.ROLLING[2]
        while True:
            yield lambda: self._recon.write(f"{name}.yaml", crew.broken(name))
            yield lambda: self._recon.write(f"{name}.yaml", crew.rolling(name, 0))

    def _comings(self) -> Iterator[Callable[[], Any]]:
        for number in itertools.count():
            name = f"guest-{number % 5}"
            yield partial(self._recon.app, name, SLEEP)
            yield (self._recon.manifests / f"{name}.yaml").unlink

    def _scalings(self) -> Iterator[Callable[[], Any]]:
        for count in itertools.cycle((4, 1, 3, 2)):
            yield partial(self._client.act, "scale", crew.CROWD[0], instances=count)

    def _actions(self) -> Iterator[Callable[[], Any]]:
        while True:
            yield lambda: self._client.act("restart", crew.CROWD[1])
            yield lambda: self._client.act("suspend", crew.CROWD[2])
            yield lambda: self._client.act("resume", crew.CROWD[2])
            yield lambda: self._client.act("restart", crew.CROWD[3], dry_run=True)

    def _kills(self) -> Iterator[Callable[[], Any]]:
        for name in itertools.cycle(crew.CROWD[4:]):
            yield partial(self._kill, name)

    def _kill(self, name: str) -> None:
        for pid in list(self._recon.pids(name).values())[:1]:
            with suppress(ProcessLookupError):
                descriptor = os.pidfd_open(pid)
                signal.pidfd_send_signal(descriptor, signal.SIGKILL)
                os.close(descriptor)

    def _run_job(self) -> None:
        self._client.act("run-job", "on-request")

    def _looks(self) -> Iterator[Callable[[], Any]]:
        while True:
            yield self._client.status
            yield lambda: list(self._client.events(limit=50))
            yield self._client.usage
            yield lambda: list(self._client.logs("writing-0", lines=200))
            yield lambda: self._client.describe(crew.ROLLING[0])
            yield self._client.plan
            yield self._client.metrics

    def _monitors(self) -> Iterator[Callable[[], Any]]:
        while True:
            live = Live(self._client)
            yield live.start
            yield live.stop

    def _commands(self) -> Iterator[Callable[[], Any]]:
        while True:
            yield lambda: self._recon.cli("status", code=None)
            yield lambda: self._recon.cli("logs", "writing-1", "-n", "20")
            yield lambda: self._recon.cli("validate", code=None)
