"""What is declared, from real files: a mistake keeps the last good version, and only a clean
absence is a deletion. Reading is at once, and told of by the test."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from reconciler.desired import store as store_module
from reconciler.desired.store import ManifestStore
from reconciler.diff.core import history
from reconciler.diff.prune import Verdict
from reconciler.loop import declared as module
from reconciler.loop.declared import Declared
from reconciler.loop.watching import contents as contents_module
from reconciler.model.state.builder import builder_name
from reconciler.model.state.desired import DesiredApp, Problem
from reconciler.model.state.event import Event
from reconciler.model.state.memory import AppMemory
from reconciler.state.journal import Journal
from tests.loop.simulated.clock import Clock, JumpingLoop, install
from tests.loop.simulated.reading import Looks, ReaderAtOnce, ToldHints, ToldWatcher

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

    # -- controllers ---------------------------------------------------------------------------

    def begin(self) -> None:
        """A controller loads all for the first time."""
        store = ManifestStore(self.root, key=KEY)
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
        return path

    def hint(self, *files: str) -> None:
        """inotify tells of these; long enough for them to be believed."""
        watcher = cast("ToldWatcher", self.declared._watcher)
        watcher.tell({self.root / file for file in files})
        self.run(0.1)

    def scan(self) -> None:
        """Folders came or went; long enough for a file to rest, and two complete looks after."""
        cast("ToldWatcher", self.declared._watcher).tell_all()
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


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Directory]:
    monkeypatch.setattr(module, "Reader", ReaderAtOnce)
    monkeypatch.setattr(module, "Watcher", ToldWatcher)
    monkeypatch.setattr(contents_module, "Hints", ToldHints)
    made = Directory(tmp_path)
    install(made.clock, monkeypatch)
    monkeypatch.setattr(module, "time", made.clock)
    monkeypatch.setattr(store_module, "time", made.clock)
    yield made
    made.close()


# -- edits -----------------------------------------------------------------------------------------


def test_all_that_is_there_is_declared_from_the_beginning(directory: Directory) -> None:
    directory.write("web.yaml", "web")
    directory.write("more.yaml", "db", "api")
    directory.begin()
    assert {*directory.declared.apps()} == {"web", "db", "api"}
    assert directory.declared.source_of("db") == str(directory.root / "more.yaml")
    assert directory.declared.desired("web").apps.keys() == {"web"}
    assert not directory.declared.desired("nobody").apps


def test_an_edit_is_taken_over_and_nothing_else_is_told_of(directory: Directory) -> None:
    directory.write("web.yaml", "web")
    directory.write("db.yaml", "db")
    directory.begin()
    directory.changed.clear()
    directory.write("web.yaml", "web", command="ls")
    directory.hint("web.yaml")
    assert directory.command("web") == "ls" and {*directory.changed} == {"web"}


def test_a_write_that_changes_nothing_is_told_to_nobody(directory: Directory) -> None:
    directory.write("web.yaml", "web")
    directory.begin()
    directory.changed.clear()
    directory.write("web.yaml", "web")
    directory.hint("web.yaml")
    assert not directory.changed


def test_a_file_that_is_being_written_is_believed_when_it_reads_the_same_twice(
    directory: Directory,
) -> None:
    directory.write("web.yaml", "web")
    directory.begin()
    path = directory.root / "web.yaml"
    path.write_text(APP.format(name="web", command="cat"))
    watcher = cast("ToldWatcher", directory.declared._watcher)
    watcher.tell({path})
    directory.run(0.001)
    path.write_text(APP.format(name="web", command="env"))
    seen = {directory.command("web")}
    for _ in range(20):
        directory.run(0.005)
        seen.add(directory.command("web"))
    assert directory.command("web") == "env" and "cat" not in seen


def test_hints_that_come_during_a_look_are_followed_by_another_one(directory: Directory) -> None:
    directory.write("web.yaml", "web")
    directory.begin()
    directory.write("web.yaml", "web", command="ls")
    directory.write("new.yaml", "new")
    watcher = cast("ToldWatcher", directory.declared._watcher)
    watcher.tell({directory.root / "web.yaml"})
    watcher.tell({directory.root / "new.yaml"})
    directory.run(0.1)
    assert directory.command("web") == "ls" and directory.command("new") == "sh"


# -- mistakes --------------------------------------------------------------------------------------


def test_a_mistake_keeps_the_last_good_version_and_is_told_once(directory: Directory) -> None:
    directory.write("web.yaml", "web")
    directory.begin()
    directory.text("web.yaml", "apiVersion: recon/v1\nkind: App\nspec: [")
    directory.hint("web.yaml")
    directory.run(120)
    assert directory.command("web") == "sh"
    assert directory.declared.apps()["web"].problem is not None
    assert directory.reasons() == ["ManifestInvalid"]
    directory.write("web.yaml", "web", command="ls")
    directory.hint("web.yaml")
    directory.run(1)
    assert directory.command("web") == "ls"
    assert directory.reasons() == ["ManifestInvalid", "ManifestValid"]


def test_a_mistake_keeps_it_for_the_next_controller_too(directory: Directory) -> None:
    directory.write("web.yaml", "web")
    directory.begin()
    directory.text("web.yaml", "kind: Ap")
    directory.restart()
    app = directory.declared.apps()["web"]
    assert app.spec.command == ("sh",) and app.problem is not None
    assert directory.verdict("web") is None
    directory.write("web.yaml", "web", command="ls")
    directory.hint("web.yaml")
    assert directory.command("web") == "ls"
    assert directory.declared.apps()["web"].problem is None


def test_what_was_kept_and_is_corrected_away_is_absent_then(directory: Directory) -> None:
    directory.write("two.yaml", "web", "db")
    directory.begin()
    directory.text("two.yaml", "kind: Ap")
    directory.restart()
    assert {*directory.declared.apps()} == {"web", "db"}
    directory.write("two.yaml", "web")
    directory.hint("two.yaml")
    directory.scan()
    assert {*directory.declared.apps()} == {"web"}
    assert directory.verdict("db") is Verdict.DELETE


def test_a_mistake_in_the_settings_replaces_nothing(directory: Directory) -> None:
    directory.write("web.yaml", "web")
    settings = "apiVersion: recon/v1\nkind: Settings\nspec: {defaults: {env: {A: '1'}}}\n"
    directory.text("recon.yaml", settings)
    directory.begin()
    before = directory.declared.apps()["web"].hash
    directory.text("recon.yaml", settings.replace("defaults", "defaultz"))
    directory.restart()
    assert directory.declared.apps()["web"].hash == before


# -- deletions -------------------------------------------------------------------------------------


def test_a_file_that_is_gone_is_a_deletion_after_two_complete_looks(directory: Directory) -> None:
    directory.write("web.yaml", "web")
    directory.write("db.yaml", "db")
    directory.begin()
    (directory.root / "web.yaml").unlink()
    watcher = cast("ToldWatcher", directory.declared._watcher)
    watcher.tell({directory.root / "web.yaml"})
    directory.run(0.03)
    assert directory.command("web") is None and directory.verdict("web") is Verdict.WAIT
    directory.run(2)
    assert directory.verdict("web") is Verdict.DELETE
    directory.declared.forget("web")
    assert directory.verdict("web") is None


def test_one_that_is_back_before_the_second_look_was_never_gone(directory: Directory) -> None:
    """As an editor saves: away, and there again."""
    directory.write("web.yaml", "web")
    directory.begin()
    (directory.root / "web.yaml").unlink()
    watcher = cast("ToldWatcher", directory.declared._watcher)
    watcher.tell({directory.root / "web.yaml"})
    directory.run(0.03)
    assert directory.verdict("web") is Verdict.WAIT
    directory.write("web.yaml", "web")
    directory.hint("web.yaml")
    directory.run(5)
    assert directory.command("web") == "sh" and directory.verdict("web") is None


def test_a_file_that_was_just_written_may_yet_declare_it(directory: Directory) -> None:
    directory.write("two.yaml", "web", "db")
    directory.begin()
    directory.run(60)
    directory.clock.set_wall(-60)  # the file is of this moment
    directory.write("two.yaml", "web")
    directory.hint("two.yaml")
    directory.await_(directory.declared.rescan())
    directory.await_(directory.declared.rescan())
    assert directory.verdict("db") is Verdict.WAIT
    directory.run(3)
    assert directory.verdict("db") is Verdict.DELETE


def test_many_deletions_at_once_wait_for_a_person(directory: Directory) -> None:
    for number in range(6):
        directory.write(f"{number}.yaml", f"app{number}")
    directory.begin()
    for number in range(5):
        (directory.root / f"{number}.yaml").unlink()
    directory.scan()
    assert {directory.verdict(f"app{n}") for n in range(5)} == {Verdict.UNCONFIRMED}
    directory.await_(directory.declared.rescan())
    assert directory.verdict("app0") is Verdict.UNCONFIRMED
    directory.await_(directory.declared.rescan(confirm=True))
    assert {directory.verdict(f"app{n}") for n in range(5)} == {Verdict.DELETE}


def test_what_is_confirmed_holds_for_these_deletions_and_no_others(directory: Directory) -> None:
    for number in range(9):
        directory.write(f"{number}.yaml", f"app{number}")
    directory.begin()
    for number in range(6):
        (directory.root / f"{number}.yaml").unlink()
    directory.scan()
    directory.await_(directory.declared.rescan(confirm=True))
    assert directory.verdict("app0") is Verdict.DELETE
    for number in range(6, 8):
        (directory.root / f"{number}.yaml").unlink()
    directory.scan()
    assert directory.verdict("app7") is Verdict.UNCONFIRMED


def test_nothing_is_removed_while_the_directory_is_away(directory: Directory) -> None:
    directory.write("web.yaml", "web")
    directory.begin()
    directory.root.rename(directory.root.with_name("away"))
    directory.scan()
    assert directory.command("web") == "sh" or directory.verdict("web") is Verdict.HELD
    directory.root.with_name("away").rename(directory.root)
    directory.scan()
    assert directory.command("web") == "sh" and directory.verdict("web") is None


def test_another_directory_in_its_place_removes_nothing_until_it_lacks_nothing(
    directory: Directory,
) -> None:
    for name in ("web", "db", "api"):
        directory.write(f"{name}.yaml", name)
    directory.begin()
    directory.restart()  # the directory is accepted, and the next controller knows that
    directory.root.rename(directory.root.with_name("old"))
    directory.root.mkdir()
    directory.write("web.yaml", "web")
    directory.write("db.yaml", "db")
    directory.scan()
    assert directory.verdict("api") is Verdict.UNCONFIRMED
    directory.write("api.yaml", "api")
    directory.scan()
    directory.run(25)  # it was looked at as a whole since
    (directory.root / "api.yaml").unlink()
    directory.scan()
    assert directory.verdict("api") is Verdict.DELETE, "it is the accepted one now"


# -- what nobody told of ---------------------------------------------------------------------------


def test_the_safety_net_finds_what_nobody_told_of(directory: Directory) -> None:
    directory.write("web.yaml", "web")
    directory.begin()
    directory.write("web.yaml", "web", command="ls")
    directory.run(15)
    assert directory.command("web") == "sh"
    directory.run(10)
    assert directory.command("web") == "ls"


def test_the_net_comes_again_whatever_happened_to_it(directory: Directory) -> None:
    directory.write("web.yaml", "web")
    directory.begin()
    reader = cast("ReaderAtOnce", directory.declared._reader)
    reader.fails = OSError(24, "Too many open files")
    directory.run(25)
    (fault,) = directory.loop.faults
    assert fault["message"] == "a look at the manifests failed (net)"
    directory.loop.faults.clear()
    directory.write("web.yaml", "web", command="ls")
    directory.run(25)
    assert directory.command("web") == "ls"


def test_a_rescan_finds_it_at_once(directory: Directory) -> None:
    directory.begin()
    directory.write("web.yaml", "web")
    directory.await_(directory.declared.rescan())
    directory.await_(directory.declared.looked(5))
    directory.run(0.1)
    assert directory.command("web") == "sh"


# -- dependencies, secrets, builders ---------------------------------------------------------------


def test_who_depends_on_whom_follows_the_edits(directory: Directory) -> None:
    directory.write("db.yaml", "db")
    path = directory.write("web.yaml", "web")
    directory.begin()
    assert not directory.declared.dependents("db")
    directory.text("web.yaml", path.read_text().replace("command:", "dependsOn: [db], command:"))
    directory.hint("web.yaml")
    assert directory.declared.dependents("db") == {"web"}
    directory.write("web.yaml", "web")
    directory.hint("web.yaml")
    assert not directory.declared.dependents("db")


def test_an_env_file_is_part_of_what_is_declared(directory: Directory) -> None:
    env = directory.root / ".env"
    env.write_text("A=1\n")
    path = directory.write("web.yaml", "web")
    directory.text("web.yaml", path.read_text().replace("command:", "envFrom: [.env], command:"))
    directory.begin()
    before = directory.declared.apps()["web"].hash
    assert str(env) in cast("ToldWatcher", directory.declared._watcher).files
    env.write_text("A=2\n")
    directory.hint(".env")
    directory.run(1)
    assert directory.declared.apps()["web"].hash != before


def test_an_earlier_revision_is_made_with_the_files_of_now(directory: Directory) -> None:
    directory.write("web.yaml", "web")
    directory.begin()
    app = directory.declared.apps()["web"]
    spec = directory.journal.memories()["web"].revisions[-1].spec
    again = directory.await_(directory.declared.rebuilt("web", spec, app.source, KEY))
    assert isinstance(again, DesiredApp) and again.hash == app.hash
    bad = directory.await_(directory.declared.rebuilt("web", {"command": 7}, app.source, KEY))
    assert isinstance(bad, Problem)


BUILT = APP.format(name="web", command="sh, build: {command: ls, inputs: [src]}")


def test_an_app_that_is_built_is_declared_when_its_inputs_were_looked_at(
    directory: Directory,
) -> None:
    builder = builder_name("web")
    directory.looks.lasts, directory.looks.digests = 0.5, {"src": "one"}
    directory.text("web.yaml", BUILT)
    directory.begin()
    assert not directory.declared.apps() and directory.declared.unseen == {"web"}
    assert directory.verdict("web") is None, "it stays what it was"
    directory.run(1)
    assert {*directory.declared.apps()} == {"web", builder} and not directory.declared.unseen
    before = directory.declared.apps()["web"].hash
    directory.looks.digests = {"src": "two"}
    directory.declared.look_at(builder)
    assert directory.declared.is_awaited("web")
    directory.run(1)
    assert directory.declared.apps()["web"].hash != before
    assert not directory.declared.is_awaited("web")


def test_a_builder_goes_with_its_build_and_not_before(directory: Directory) -> None:
    builder = builder_name("web")
    directory.looks.digests = {"src": "one"}
    directory.text("web.yaml", BUILT)
    directory.begin()
    directory.run(1)
    directory.write("web.yaml", "web")
    directory.hint("web.yaml")
    directory.scan()
    assert {*directory.declared.apps()} == {"web"}
    assert directory.verdict(builder) is Verdict.DELETE
    directory.declared.forget(builder)
    assert directory.verdict(builder) is None


def test_the_look_at_an_app_that_was_edited_meanwhile_counts_for_the_new_one(
    directory: Directory,
) -> None:
    directory.looks.lasts, directory.looks.digests = 0.5, {"src": "one"}
    watched = APP.format(name="web", command="sh, watch: {paths: [src]}")
    directory.text("web.yaml", watched)
    directory.begin()
    directory.run(0.2)
    directory.text("web.yaml", watched.replace("command: sh", "command: ls"))
    directory.hint("web.yaml")
    directory.run(2)
    assert directory.command("web") == "ls"
    assert directory.declared.apps()["web"].spec.watched == {"src": "one"}
    assert directory.declared.trouble("web") is None
