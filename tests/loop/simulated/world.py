"""A host, a directory of manifests and a state directory, on which controllers come and go.

The controller is the real one, with its journal on disk. Only Linux (``host``), the reading of
manifests (``declared``) and time (``clock``) are simulated.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from reconciler.loop.controller import Controller, Options
from reconciler.model.state.desired import Workload
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.observed import Exit
from reconciler.model.state.plan import AppPlan
from reconciler.model.state.reason import EventReason
from reconciler.state.journal.journal import Journal
from reconciler.state.paths import StatePaths, prepare
from tests.loop.simulated.clock import Clock, JumpingLoop
from tests.loop.simulated.declared import Manifests, reading
from tests.loop.simulated.host import Alive, Program, SimulatedHost

_LONG = 3600.0
"""Seconds in which what is waited for happens, or never."""


@cache
def _empty_journal() -> bytes:
    """A new journal takes a tenth of a second of fsync(2), which no test needs more than once."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "recon.db"
        Journal(path, "none").close()
        return path.read_bytes()


@dataclass
class Trouble:
    """Something that holds until it is released."""

    release: Callable[[], object]


class World:
    """See the module. ``programs`` by the first word of a command."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.clock = clock
        self.host = SimulatedHost(clock, {})
        self.manifests = Manifests()
        self.paths = StatePaths(folder / "state")
        prepare(self.paths)
        self.paths.database.write_bytes(_empty_journal())
        self._loop: JumpingLoop | None = None
        self._controller: Controller | None = None

    # -- controllers ---------------------------------------------------------------------------

    @property
    def controller(self) -> Controller:
        assert self._controller is not None, "no controller runs"
        return self._controller

    @property
    def loop(self) -> JumpingLoop:
        assert self._loop is not None, "no controller runs"
        return self._loop

    def begin(
        self, *apps: Workload, run: float = 0, down: bool = False, confirm_load: bool = False
    ) -> None:
        """A controller starts; then these are declared, and so many seconds pass."""
        assert self._controller is None, "one runs already"
        self._loop = JumpingLoop(self.clock)
        asyncio.set_event_loop(self._loop)
        options = Options(
            self.paths.root.parent / "manifests",
            self.paths,
            down=down,
            confirm_load=confirm_load,
        )
        self._controller = Controller(
            options, self._loop, kernel=self.host.kernel, declared=self._declared()
        )
        self._loop.run_until_complete(self._controller.start())
        if apps:
            self.declare(*apps, run=run)

    def _declared(self) -> Any:
        """The class by which a controller reads what is declared."""
        return reading(self.manifests)

    def leave(self) -> None:
        """It ends in good order."""
        self.controller.close()
        self._drop()

    def kill(self) -> None:
        """It is killed: what it had not committed is lost, and it does nothing more."""
        journal, running = self.controller._journal, self.controller._running
        if journal._db is not None:
            journal._db.rollback()
            journal._db.close()
        running.close()
        self._drop()

    def restart(self, *, killed: bool = False, away: float = 0.0) -> None:
        """Another controller takes its place, after so many seconds without one."""
        if killed:
            self.kill()
        else:
            self.leave()
        until = self.clock.now + away
        while self.clock.now < until:
            self.clock.pass_to(until)
        self.begin()

    def close(self) -> None:
        """Nothing stays, not even the FIFOs in memory."""
        if self._controller is None:
            self.begin()
        for one in [*self.host.alive.values()]:
            one.program.leaves = None
            self.host.end(one.tag.nonce, Exit(0))
        for nonce in [*self.host.left]:
            self.host.signal_left(nonce, 9)
        self.manifests.apps.clear()
        self.controller._reconciler.leaving = True
        self.run_for(1)
        self.leave()

    def _drop(self) -> None:
        self.manifests.tell = lambda names: None
        loop = self.loop
        self._loop = self._controller = None
        tasks = asyncio.all_tasks(loop)
        for task in tasks:
            task.cancel()
        loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
        loop.close()
        assert not loop.faults, "a callback failed"

    # -- time ----------------------------------------------------------------------------------

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        self.loop.run_until_complete(asyncio.sleep(seconds))

    def settle(self) -> None:
        """Until all is done that can be done now. No time has to pass for it."""
        self.loop.run_until_complete(self.controller.settle())

    def until(self, condition: Callable[[], object], what: str = "", within: float = _LONG) -> None:
        """Let time pass until this is so; AssertionError where it never is."""

        async def wait() -> None:
            end = self.clock.now + within
            while not condition():
                assert self.clock.now < end, f"not within {within:g} s: {what or condition}"
                await asyncio.sleep(0.01)

        self.loop.run_until_complete(wait())

    # -- what is declared and what runs --------------------------------------------------------

    def program(self, name: str, program: Program) -> None:
        """How the programs of this name behave from their next start on."""
        self.host.programs[name] = program

    def declare(self, *apps: Workload, run: float = 0) -> None:
        """Write manifests; then so many seconds pass."""
        self.manifests.write(*apps)
        if run:
            self.run_for(run)

    def of(self, app: str = "web") -> list[Alive]:
        """Its processes, by instance and start."""
        return self.host.of(app)

    def numbers(self, app: str = "web") -> list[int]:
        """The instance number of each process."""
        return [one.tag.instance for one in self.of(app)]

    def hashes(self, app: str = "web") -> list[str]:
        """The revision of each process."""
        return [one.tag.hash for one in self.of(app)]

    def crash(self, app: str = "web", number: int = 0, exit: Exit | None = None) -> None:
        """One process ends, unasked."""
        one = next(one for one in self.of(app) if one.tag.instance == number)
        self.host.end(one.tag.nonce, exit or Exit(1))

    def starts(self, app: str = "web") -> list[float]:
        """When each of its processes was started."""
        return [one.at for one in self.host.done if (one.what, one.app) == ("start", app)]

    def signals(self, app: str = "web") -> list[tuple[str, float]]:
        """The signals that its processes got, and when."""
        done = [one for one in self.host.done if one.app == app]
        return [(one.what, one.at) for one in done if one.what.startswith("signal")]

    # -- trouble with the journal --------------------------------------------------------------

    def fill_disk(self) -> Trouble:
        """Nothing can be written to the journal until this is released."""
        db = self.controller._journal._db
        assert db is not None
        db.execute("PRAGMA query_only = 1")
        return Trouble(lambda: db.execute("PRAGMA query_only = 0"))

    def lock_journal(self) -> Trouble:
        """Another program holds the journal's lock until this is released."""
        other = sqlite3.connect(self.paths.database)
        other.execute("BEGIN IMMEDIATE")
        return Trouble(other.close)

    # -- what is told --------------------------------------------------------------------------

    def memory(self, app: str = "web") -> AppMemory:
        return self.controller.history.memory(app)

    def plan(self, app: str = "web") -> AppPlan:
        """How it stands."""
        return next(one for one in self.controller.plan().apps if one.app == app)

    def reasons(self, *apps: str) -> list[str]:
        """The reasons of all events of these apps but edits of their manifests, oldest first."""
        events = [one.event for one in self.controller.history.events(apps, 10_000)]
        return [event.reason for event in events if event.reason != EventReason.MANIFEST_CHANGED]

    def messages(self, reason: str, app: str = "web") -> list[str]:
        """The sentences of an app's events with one reason."""
        events = self.controller.history.events((app,), 10_000)
        return [one.event.message for one in events if one.event.reason == reason]
