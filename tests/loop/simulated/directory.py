"""A directory of manifests with real files, and a ``Declared`` that reads them at once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from reconciler.desired.directory.settling import SETTLE
from reconciler.desired.directory.store import ManifestStore
from reconciler.diff.core import history
from reconciler.diff.prune import Verdict
from reconciler.loop.manifests.declared import Declared
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory
from reconciler.state.journal.journal import Journal
from tests.loop.simulated.clock import Clock, JumpingLoop
from tests.loop.simulated.reading import Looks, ReaderAtOnce, ToldWatcher

KEY = b"k" * 32
APP = "apiVersion: recon/v1\nkind: App\nmetadata: {{name: {name}}}\nspec: {{command: {command}}}\n"


class Directory:
    """A directory of manifests, what is declared in it, and the journal."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "manifests"
        self.root.mkdir()
        self._database = folder / "recon.db"
        self.clock = Clock(wall=time.time())
        self.loop = JumpingLoop(self.clock)
        self.looks = Looks(self.loop)
        self.known: set[str] = set()
        self.events: list[Event] = []
        self.changed: list[str] = []
        self.journal = Journal(self._database, "boot")
        self.declared: Declared

    @property
    def watcher(self) -> ToldWatcher:
        """What the controller hears of changes from."""
        return cast("ToldWatcher", self.declared._looks._watcher)

    @property
    def reader(self) -> ReaderAtOnce:
        """What the controller looks with."""
        return cast("ReaderAtOnce", self.declared._looks._reader)

    # -- controllers ---------------------------------------------------------------------------

    def begin(self) -> None:
        """A controller loads all for the first time."""
        store = ManifestStore(self.root, key=KEY, settle=SETTLE)
        self.declared = Declared(
            store,
            self.root,
            self.loop,
            cast("Any", self.looks),
            on_change=self._on_change,
            on_event=self.events.append,
        )
        memories = self.journal.memories()
        self.await_(self.declared.start(memories, self.journal, {*memories}, KEY))
        self.remember()

    def restart(self) -> None:
        """Another controller, with what the journal kept."""
        self.declared.close()
        self.journal.close()
        self.journal = Journal(self._database, "boot")
        self.begin()

    def remember(self) -> None:
        """As the loop does with each app that it has seen."""
        for name, app in self.declared.apps().items():
            memory = history.record(self.journal.memories().get(name, AppMemory()), app)
            self.journal.remember(name, memory, self.declared.source_of(name))

    def close(self) -> None:
        self.declared.close()
        self.run(1)
        self.loop.close()
        self.journal.close()
        assert not self.loop.faults, "a callback failed"

    def await_(self, what: Any) -> Any:
        return self.loop.run_until_complete(what)

    def run(self, seconds: float) -> None:
        self.await_(asyncio.sleep(seconds))

    # -- edits ---------------------------------------------------------------------------------

    def write(self, file: str, *names: str, command: str = "sh") -> Path:
        """One file that declares these."""
        documents = (APP.format(name=name, command=command) for name in names)
        return self.text(file, "---\n".join(documents))

    def text(self, file: str, text: str) -> Path:
        path = self.root / file
        path.write_text(text)
        self.clock.set_wall(time.time() - self.clock.time())  # the file is of this moment
        return path

    def hint(self, *files: str) -> None:
        """inotify tells of these; long enough for them to be believed."""
        self.watcher.tell({self.root / file for file in files})
        self.run(0.1)

    def scan(self) -> None:
        """Folders came or went; long enough for a file to rest, and two complete looks after."""
        self.watcher.tell_all()
        self.run(5)

    # -- what is declared ----------------------------------------------------------------------

    def command(self, name: str) -> str | None:
        app = self.declared.apps().get(name)
        return app.spec.command[0] if app is not None else None

    def verdict(self, name: str) -> Verdict | None:
        found = self.declared.absence(name).get(name)
        return found.verdict if found is not None else None

    def reasons(self) -> list[str]:
        return [event.reason for event in self.events]

    def _on_change(self, names: Iterable[str]) -> None:
        self.changed += names
