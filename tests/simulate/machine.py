"""One machine: controllers come, are killed and come again; processes, files and time go on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest

from reconciler.desired import files
from reconciler.desired.directory import settling
from reconciler.desired.directory.walk import Walk
from reconciler.logs.write import capture, fifo, maintenance, transfer
from reconciler.loop import controller as controller_module
from reconciler.loop.manifests import looks
from reconciler.loop.manifests.declared import Declared
from reconciler.loop.notices import notices
from reconciler.loop.watching import contents
from reconciler.model.state.observed import Tag
from reconciler.observed.processes.fifodirs import fifo_dirs
from reconciler.state import neighbours
from reconciler.state.journal import ledger
from reconciler.state.paths import keep_key, store_id
from reconciler.system import notifyplace
from tests.loop.simulated.clock import Clock, JumpingLoop, install
from tests.loop.simulated.reading import ReaderAtOnce, ToldHints, ToldWatcher
from tests.loop.simulated.world import World
from tests.simulate.border import Border, Killed
from tests.simulate.folder import Folder
from tests.simulate.history import Entry, History
from tests.simulate.host import BorderedHost
from tests.simulate.observation import Observation
from tests.simulate.workers import WorkersAtOnce

_RESTART = 1.0
"""Seconds after which the service manager starts a controller that ended by itself."""
_KEY = b"k" * 32


class MachineClock(Clock):
    """What is on its agenda is the host's doing, or a person's."""

    border: Border

    def happen(self, call: Callable[[], None]) -> None:
        with self.border.host():
            call()


class Machine(World):
    """See the module. ``run_to`` lets time pass, whatever becomes of the controller."""

    host: BorderedHost

    def __init__(self, folder: Path, clock: MachineClock, border: Border) -> None:
        super().__init__(folder, clock)
        keep_key(self.paths, _KEY)
        self.border = clock.border = border
        self.history = History()
        self.seen = Observation()
        self.host = BorderedHost(clock, border, self._note_process, self.seen)
        self.folder = Folder(folder / "manifests", clock)
        self.folder.hint = self.hint
        self.boot_id = "boot-1"
        self.faults: list[str] = []
        """What a callback or the log of a controller reported, and should not have."""
        self.slowest = 0.0
        """Processor seconds of the longest turn of a controller's loop."""
        self._began = clock.now
        self._behind = 0.0
        self._back_at = clock.now
        self._away = 0.0
        self._boots = False

    # -- time ----------------------------------------------------------------------------------

    @property
    def now(self) -> float:
        """Seconds since the run began, over boots too."""
        return self.clock.now + self._behind - self._began

    def at(self, moment: float, call: Callable[[], object]) -> None:
        """Have it happen at a moment of the run."""
        self.clock.at(moment + self._began - self._behind, lambda: (call(), None)[1])

    def run_to(self, moment: float) -> None:
        """Let time pass until then. Controllers that were killed are followed by others."""
        while self.now < moment - 1e-6:
            try:
                self._run(moment)
            except Killed:
                self._bury()

    def _run(self, moment: float) -> None:
        if self._controller is not None:
            with self.border.controller():
                self.loop.run_until_complete(asyncio.sleep(moment - self.now))
            return
        if self.clock.now < self._back_at:
            self.clock.pass_to(min(self._back_at, moment + self._began - self._behind))
            return
        try:
            with self.border.controller():
                self.begin()
        except Exception as error:
            self.note("fault", detail=f"the controller ended: {type(error).__name__}: {error}")
            self._away = _RESTART
            self._bury()
        else:
            self.note("controller", detail="took over")

    # -- controllers ---------------------------------------------------------------------------

    @property
    def is_up(self) -> bool:
        """Whether a controller runs, or is about to."""
        return self._loop is not None

    def kill(self, away: float = 0.0) -> None:
        """The controller is killed at this moment; the next begins so many seconds later."""
        self._away = away
        if self.is_up:
            self.border.die()

    def boot(self, away: float = 0.0) -> None:
        """The host boots: all processes are gone, and what was in memory."""
        self.note("boot")
        self.host.boot()
        self._boots = True
        self._away = away
        if self.is_up:
            self.border.die()
        self._booted()

    def _booted(self) -> None:
        """Time since boot begins again; FIFOs in memory are gone."""
        self._boots = False
        self.boot_id = f"boot-{int(self.boot_id[5:]) + 1}"
        self._behind += self.clock.boot(10.0)
        self._back_at = self.clock.now + self._away
        for place in fifo_dirs(self.paths.root, store_id(self.paths))[:-1]:
            shutil.rmtree(place, ignore_errors=True)

    def _declared(self) -> Any:
        return Declared

    def _bury(self) -> None:
        """A controller was killed: its objects are closed, and that changes nothing."""
        self.note("kill")
        controller, loop = self._controller, self._loop
        self._controller = self._loop = None
        assert loop is not None
        self.host.shown = None
        for place in fifo_dirs(self.paths.root, store_id(self.paths)):
            self.host.forget_unread(Path(place))
        with self.border.closing(), contextlib.suppress(Exception):
            for task in asyncio.all_tasks(loop):
                _abandon(task)
            if controller is not None:
                _close_below(controller._journal._db)
                controller._journal._db = None
                controller.close()
        self._watch_loop(loop)
        loop.close()
        if self._boots:
            self._booted()
        self._back_at = self.clock.now + self._away
        self._away = 0.0

    def _watch_loop(self, loop: JumpingLoop) -> None:
        """Keep what its callbacks reported."""
        for context in loop.faults:
            self.faults.append(f"{context.get('message')}: {context.get('exception')!r}")
        loop.faults.clear()
        self.slowest = max(self.slowest, loop.slowest)

    def end_loop_watch(self) -> None:
        """Keep what the callbacks of the controller reported up to now."""
        if self._loop is not None:
            self._watch_loop(self._loop)

    def close(self) -> None:
        """The run is over. Nothing stays, not even the FIFOs in memory."""
        if self.is_up:
            with contextlib.suppress(Killed):
                self.border.die()
            self._bury()
        self.host.boot()
        for place in fifo_dirs(self.paths.root, store_id(self.paths)):
            shutil.rmtree(place, ignore_errors=True)

    # -- what is noted -------------------------------------------------------------------------

    def note(self, what: str, app: str = "", detail: str = "") -> None:
        self.history.entries.append(Entry(self.now, what, app, detail=detail))

    def hint(self, paths: set[Path]) -> None:
        """inotify tells of these; of anything, where the set is empty."""
        if self._controller is None:
            return
        watcher = cast("ToldWatcher", self._controller._declared._looks._watcher)
        if paths:
            watcher.tell(paths)
        else:
            watcher.tell_all()

    def _note_process(self, what: str, tag: Tag, detail: str = "") -> None:
        entry = Entry(self.now, what, tag.app, tag.instance, tag.hash, tag.nonce, detail)
        self.history.entries.append(entry)


def _abandon(task: asyncio.Task[Any]) -> None:
    """Its coroutine ends where it waits. No callback hears of it."""
    task._log_destroy_pending = False  # type: ignore[attr-defined]
    with contextlib.suppress(BaseException):
        cast("Any", task.get_coro()).close()


def _close_below(db: sqlite3.Connection | None) -> None:
    """What was not committed is lost. Below the wrappers: the kernel does this, not recon."""
    if db is not None:
        sqlite3.Connection.rollback(db)
        sqlite3.Connection.close(db)


class _Errors(logging.Handler):
    """Errors that recon did not foresee are in its log."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._faults = faults

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        self._faults.append(f"{record.getMessage()}: {error!r}")


@contextmanager
def machine(folder: Path, seed: int) -> Iterator[Machine]:
    """A machine in an empty folder, which is removed afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    random.seed(seed)  # of probes and retries, which are spread
    clock = MachineClock()
    border = Border(str(folder))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        install(clock, patch)
        for module in (looks, settling, files, transfer, capture, maintenance, ledger, notices):
            patch.setattr(module, "time", clock)
        patch.setattr(looks, "Reader", ReaderAtOnce)
        patch.setattr(looks, "Watcher", ToldWatcher)
        patch.setattr(contents, "Hints", ToldHints)
        patch.setattr(controller_module, "Workers", WorkersAtOnce)
        patch.setattr(neighbours, "_run_folder", lambda: None)
        patch.setattr(notifyplace, "FOLDER", str(folder / "run" / "notify"))
        made = Machine(folder, clock, border)
        opened, listed = fifo.open_reader, Walk._listed
        patch.setattr(
            fifo,
            "open_reader",
            lambda path, pid=None: border.asked("fifo.open", str(path), lambda: opened(path, pid)),
        )
        patch.setattr(
            Walk, "_listed", lambda walk, path: listed(walk, made.folder.through(str(path)))
        )
        patch.setattr(controller_module, "boot_id", lambda: made.boot_id)
        errors = _Errors(made.faults)
        logger = logging.getLogger("reconciler")
        logger.addHandler(errors)
        stack.callback(logger.removeHandler, errors)
        stack.callback(border.install())
        stack.callback(made.close)
        yield made
