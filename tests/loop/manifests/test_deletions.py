"""Only a clean absence, seen twice, is a deletion; many at once wait for a person."""

from __future__ import annotations

from reconciler.diff.prune import Verdict
from reconciler.loop.manifests.deletions import Deletions
from reconciler.model.state.desired import Desired, Workload
from tests.diff.simhost import app_of
from tests.loop.simulated.directory import Directory


def test_a_file_that_is_gone_is_a_deletion_after_two_complete_looks(directory: Directory) -> None:
    directory.write("web.yaml", "web")
    directory.write("db.yaml", "db")
    directory.begin()
    (directory.root / "web.yaml").unlink()
    directory.watcher.tell({directory.root / "web.yaml"})
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
    directory.watcher.tell({directory.root / "web.yaml"})
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


def test_who_confirms_at_once_waits_until_the_removal_is_believed(directory: Directory) -> None:
    directory.write("web.yaml", "web")
    directory.begin()
    (directory.root / "web.yaml").unlink()
    directory.await_(directory.declared.reread())
    assert directory.verdict("web") is Verdict.WAIT
    directory.await_(directory.declared.decided(within=3))
    assert directory.verdict("web") is Verdict.UNCONFIRMED
    directory.await_(directory.declared.rescan(confirm=True))
    assert directory.verdict("web") is Verdict.DELETE


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


def test_two_looks_that_follow_each_other_at_once_are_one(directory: Directory) -> None:
    """The safety net may look while an editor is between the removal and the write."""
    directory.write("web.yaml", "web")
    directory.write("db.yaml", "db")
    directory.begin()
    directory.run(10)
    (directory.root / "web.yaml").unlink()
    for _ in range(3):
        directory.await_(directory.declared.rescan())
        assert directory.verdict("web") is Verdict.WAIT
    directory.run(0.3)
    assert directory.verdict("web") is Verdict.WAIT
    directory.run(1)
    assert directory.verdict("web") is Verdict.DELETE


def test_an_absence_that_is_over_does_not_count_for_the_next_one() -> None:
    """A file that is back may be believed without another look at everything."""
    web, db = app_of("web"), app_of("db")
    apps: dict[str, Workload] = {"db": db}
    deletions = Deletions(apps, set())
    for app in (web, db):
        deletions.note(app)
    settled = frozenset({web.source.file})
    deletions.scanned(Desired({"db": db}), settled, 0.0)
    apps["web"] = web
    deletions.note(web)
    del apps["web"]
    deletions.scanned(Desired({"db": db}), settled, 10.0)
    verdicts = deletions.verdicts(lambda: Desired({"db": db}))
    assert {name: one.verdict for name, one in verdicts.items()} == {"web": Verdict.WAIT}
    deletions.scanned(Desired({"db": db}), settled, 11.0)
    assert deletions.verdicts(lambda: Desired({"db": db}))["web"].verdict is Verdict.DELETE
