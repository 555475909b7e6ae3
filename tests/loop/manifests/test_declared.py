"""What is declared, from real files: an edit is taken over, a mistake keeps what was good."""

from __future__ import annotations

from pathlib import Path

from reconciler.desired.directory.settling import SETTLE
from reconciler.diff.prune import Verdict
from reconciler.model.state.builder import builder_name
from reconciler.model.state.desired import DesiredApp, Problem
from tests.loop.simulated.directory import APP, KEY, Directory

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
    directory.watcher.tell({path})
    directory.run(0.001)
    path.write_text(APP.format(name="web", command="env"))
    seen = {directory.command("web")}
    for _ in range(20):
        directory.run(0.005)
        seen.add(directory.command("web"))
    assert directory.command("web") == "env" and "cat" not in seen


def test_one_look_settles_a_new_folder_and_finds_what_came_before_it_was_watched(
    directory: Directory,
) -> None:
    directory.begin()
    (directory.root / "shop").mkdir()
    directory.write("shop/web.yaml", "web")
    directory.watcher.meanwhile = lambda: directory.write("shop/db.yaml", "db")
    before = directory.reader.looks
    directory.watcher.tell_all()
    directory.run(0.01)
    assert "web" not in directory.declared.apps(), "it was read once"
    directory.run(0.1)
    assert directory.declared.apps().keys() == {"web", "db"}
    assert directory.reader.looks - before == 3, (
        "to see it, to settle it and see more, to settle that"
    )


def test_a_swapped_link_is_followed_as_quickly_as_an_edit(directory: Directory) -> None:
    for release, command in (("1", "sh"), ("2", "ls")):
        (directory.root.parent / release).mkdir()
        directory.write(f"../{release}/web.yaml", "web", command=command)
    directory.write("plain.yaml", "plain")
    current = directory.root / "current"
    current.symlink_to("../1")
    directory.begin()
    directory.run(1)
    took = []
    for change in ("swap", "edit"):
        began = directory.loop.time()
        if change == "swap":
            current.unlink()
            current.symlink_to("../2")
            directory.watcher.tell_all()
        else:
            directory.write("plain.yaml", "plain", command="ls")
            directory.watcher.tell({directory.root / "plain.yaml"})
        name = "web" if change == "swap" else "plain"
        while directory.command(name) != "ls":
            directory.run(0.001)
        took.append(directory.loop.time() - began)
        directory.run(1)
    assert took[0] <= took[1] + 0.002


def test_a_link_that_is_swapped_without_end_is_looked_at_each_settle_at_most(
    directory: Directory,
) -> None:
    directory.begin()
    directory.run(1)
    before = directory.reader.looks
    for _ in range(500):
        directory.watcher.tell_all()
        directory.run(0.001)
    assert 500 * 0.001 / SETTLE - 2 <= directory.reader.looks - before <= 500 * 0.001 / SETTLE + 2


def test_a_new_folder_settles_at_once_while_a_deletion_has_to_be_seen_again(
    directory: Directory,
) -> None:
    gone = directory.write("db.yaml", "db")
    directory.begin()
    gone.unlink()
    directory.watcher.tell_all()
    directory.run(0.1)
    (directory.root / "shop").mkdir()
    directory.write("shop/web.yaml", "web")
    directory.run(0.6)  # the second look that a deletion takes is the first at the folder
    assert "web" in directory.declared.apps()


def test_hints_that_come_during_a_look_are_followed_by_another_one(directory: Directory) -> None:
    directory.write("web.yaml", "web")
    directory.begin()
    directory.write("web.yaml", "web", command="ls")
    directory.write("new.yaml", "new")
    directory.watcher.tell({directory.root / "web.yaml"})
    directory.watcher.tell({directory.root / "new.yaml"})
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
    directory.reader.fails = OSError(24, "Too many open files")
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


def lacking(directory: Directory) -> Path:
    """The secret file that a new manifest, of the app late, refers to and that is not there."""
    directory.write("web.yaml", "web")
    directory.begin()
    directory.text(
        "late.yaml",
        APP.format(name="late", command="sh, env: {PASSWORD: {secretFile: password}}"),
    )
    directory.hint("late.yaml")
    return directory.root / "password"


def test_a_new_manifest_waits_for_the_secret_that_it_lacks(directory: Directory) -> None:
    secret = lacking(directory)
    directory.run(1)
    assert "late" not in directory.declared.apps()
    assert str(secret) in directory.watcher.files
    secret.write_text("sesame")
    directory.hint("password")
    assert "late" in directory.declared.apps()


def test_what_a_new_reference_leads_to_is_looked_at_when_it_is_watched(
    directory: Directory,
) -> None:
    secret = lacking(directory)
    secret.write_text("sesame")  # nobody hears of it: it is watched a second later
    directory.run(2)
    assert "late" in directory.declared.apps()


def test_an_env_file_is_part_of_what_is_declared(directory: Directory) -> None:
    env = directory.root / ".env"
    env.write_text("A=1\n")
    path = directory.write("web.yaml", "web")
    directory.text("web.yaml", path.read_text().replace("command:", "envFrom: [.env], command:"))
    directory.begin()
    before = directory.declared.apps()["web"].hash
    assert str(env) in directory.watcher.files
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
