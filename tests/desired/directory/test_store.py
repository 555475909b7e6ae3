"""Whatever happens to a file, its last good version stands; absence is for scans
(design.md#mistakes)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.desired import files
from reconciler.desired.directory import settling, walk
from reconciler.desired.directory.store import ManifestStore
from reconciler.desired.manifest.manifest import Contents, Context, read
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.words.sentence import Sentence
from reconciler.system.files.trust import Trust
from tests.desired.conftest import Folder, manifest

Accept = Callable[[ManifestStore, Path], frozenset[str]]


def said(store: ManifestStore) -> str:
    return "\n".join(map(str, store.problems))


def age(*paths: Path) -> None:
    """Until the files' time stamps are old enough to be believed."""
    newest = max(path.stat().st_ctime_ns for path in paths)
    while time.time_ns() - newest < 60_000_000:
        os.sched_yield()


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The files that were read, in order."""
    seen: list[str] = []
    real = files.read_regular

    def read(path: str, limit: int, trust: Trust) -> bytes:
        seen.append(path)
        return real(path, limit, trust)

    monkeypatch.setattr(settling, "read_regular", read)
    return seen


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were parsed, in order."""
    seen: list[str] = []

    def noted(path: str, content: bytes, context: Context) -> Contents:
        seen.append(Path(path).name)
        return read(path, content, context)

    monkeypatch.setattr("reconciler.desired.directory.store.read", noted)
    return seen


@pytest.fixture
def always_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every file was written a moment ago: its stamps prove nothing, its content decides."""
    monkeypatch.setattr(files, "_RACY_NS", 10**20)


# -- what is read --------------------------------------------------------------------------------


def test_all_manifests_below_are_read_and_nothing_else(folder: Folder) -> None:
    folder.app("a")
    folder.app("b", file="deep/er/b.yml")
    folder.write(
        "c.json",
        '{"apiVersion": "recon/v1", "kind": "App", "metadata": {"name": "c"},'
        ' "spec": {"command": ["sleep", "1"]}}',
    )
    folder.write("two.yaml", manifest("d") + "---\n" + manifest("e"))
    for name in (".x.yaml", "x.yaml~", ".x.yaml.swp", "4913", "#x.yaml#", "x.txt", ".git/x.yaml"):
        folder.write(name, manifest("stranger"))
    desired = folder.store().scan()
    assert sorted(desired.apps) == ["a", "b", "c", "d", "e"]
    assert desired.complete and not desired.problems
    assert desired.apps["e"].source.line == 7


def test_links_are_followed_and_a_loop_is_told(folder: Folder, tmp_path: Path) -> None:
    elsewhere = Folder(tmp_path / "elsewhere")
    elsewhere.app("far")
    (folder.root / "linked").symlink_to(elsewhere.root)
    (elsewhere.root / "back").symlink_to(folder.root)
    (folder.root / "self.yaml").symlink_to(folder.root / "self.yaml")
    (folder.root / "gone.yaml").symlink_to("/nowhere")
    folder.app("near")
    store = folder.scanned()
    assert sorted(store.apps) == ["far", "near"]
    assert "linked/back: a link to a folder that contains it" in said(store)
    assert "self.yaml: cannot be read" in said(store) and "gone.yaml" in said(store)


@pytest.mark.parametrize("target", ["/", "..", "../.."])
def test_a_link_to_what_the_directory_lies_in_is_told_and_not_followed(
    folder: Folder, target: str
) -> None:
    folder.app("web")
    (folder.root / "up").symlink_to(target)
    desired = folder.store().scan()
    assert desired.complete and [*desired.apps] == ["web"]
    assert "up: a link to a folder that contains it; remove it" in str(desired.problems[0])


def test_a_link_to_what_the_kernel_makes_up_is_told_and_not_read(folder: Folder) -> None:
    folder.app("web")
    (folder.root / "kmsg.yaml").symlink_to("/proc/kmsg")
    (folder.root / "self").symlink_to("/proc/self")
    (folder.root / "sys").symlink_to("/sys")
    os.mkfifo(folder.root / "fifo.yaml", 0o600)
    store = folder.scanned()
    assert [*store.apps] == ["web"]
    for name in ("kmsg.yaml", "self", "sys"):
        assert f"{name}: a link to a file of the kernel (as in /proc or /sys); remove it" in said(
            store
        )
    assert "fifo.yaml: cannot be read: not a regular file" in said(store)


@pytest.fixture
def releases(folder: Folder, tmp_path: Path) -> Callable[[str], None]:
    """Have the link ``current`` among the manifests lead to another release."""

    def swap(to: str) -> None:
        age(*(tmp_path / to).iterdir())
        fresh = folder.root / "fresh"
        fresh.symlink_to(tmp_path / to)
        fresh.rename(folder.root / "current")

    for release in ("one", "two"):
        below = Folder(tmp_path / release)
        for name in "abc":
            below.app(name)
    swap("one")
    return swap


def test_of_a_release_behind_a_link_only_what_is_another_is_taken_over_anew(
    folder: Folder, releases: Callable[[str], None], tmp_path: Path, reads: list[str]
) -> None:
    Folder(tmp_path / "two").app("b", "  env: {A: b}\n")
    store = folder.store()
    before = {**store.scan().apps}
    reads.clear()
    releases("two")
    after = store.scan().apps
    assert len(reads) == 3, "each may be another"
    assert {name for name in "abc" if after[name] is not before[name]} == {"b"}
    assert after["b"].spec.env == {"A": "b"}
    reads.clear()
    store.scan()
    assert reads == [], "it is known which files these are"


def test_a_release_that_lacks_what_a_manifest_needs_is_a_mistake_though_its_text_is_the_same(
    folder: Folder, releases: Callable[[str], None], tmp_path: Path
) -> None:
    for release in ("one", "two"):
        (tmp_path / release / "run").write_text("#!/bin/sh\n")
        (tmp_path / release / "run").chmod(0o755)
        text = manifest("a").replace("[sleep, 1000]", "[./run]")
        Folder(tmp_path / release).write("a.yaml", text)
    releases("one")
    store = folder.store()
    assert not store.scan().problems
    (tmp_path / "two/run").unlink()
    releases("two")
    desired = store.scan()
    assert "run" in said(store) and desired.apps["a"].problem is not None


@pytest.mark.usefixtures("always_fresh")
def test_of_a_release_that_was_written_a_moment_ago_only_what_is_another_is_parsed(
    folder: Folder, releases: Callable[[str], None], tmp_path: Path, parsed: list[str]
) -> None:
    """There and back again, with a look at each that finds nothing new."""
    Folder(tmp_path / "two").app("b", "  env: {A: b}\n")
    store = folder.store()
    store.scan()
    for release, env in (("two", {"A": "b"}), ("one", {}), ("two", {"A": "b"})):
        parsed.clear()
        releases(release)
        assert store.scan().apps["b"].spec.env == env
        assert parsed == ["b.yaml"]
        assert store.scan().apps["b"].spec.env == env
        assert parsed == ["b.yaml"], "the second look reads the others, and parses none"


@pytest.mark.usefixtures("always_fresh")
def test_a_program_that_vanishes_is_told_though_the_fresh_manifest_is_not_parsed_again(
    folder: Folder, tmp_path: Path
) -> None:
    program = tmp_path / "run"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    folder.write("a.yaml", manifest("a").replace("[sleep, 1000]", f"[{program}]"))
    store = folder.scanned()
    assert not store.problems
    program.unlink()
    assert store.scan().apps["a"].problem is not None and "run" in said(store)


def test_a_farm_of_links_is_walked_once(folder: Folder) -> None:
    for one in range(8):
        for other in range(8):
            (folder.root / f"d{one}").mkdir(exist_ok=True)
            (folder.root / f"d{one}/to-{other}").symlink_to(f"../d{other}")
        folder.app(f"app{one}", file=f"d{one}/app.yaml")
    desired = folder.store().scan()
    assert desired.complete and len(desired.apps) == 8
    assert len(desired.problems) == 8 * 8
    assert any("the same folder as" in problem.message for problem in desired.problems)


def test_a_folder_with_far_too_much_in_it_is_no_directory_of_manifests(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.app("web")
    store = folder.scanned()
    monkeypatch.setattr(walk, "MOST", 50)
    for number in range(60):
        folder.write(f"sub/{number}.txt", "")
    desired = store.scan()
    assert not desired.complete and [*desired.apps] == ["web"]
    assert "more than 50 files below the manifests directory" in said(store)


def test_a_fifo_named_like_a_manifest_holds_nothing_up(folder: Folder) -> None:
    os.mkfifo(folder.root / "x.yaml")
    assert "not a regular file" in said(folder.scanned())


def test_100_megabytes_are_refused_unread(folder: Folder) -> None:
    with (folder.root / "x.yaml").open("wb") as file:
        file.truncate(100 * 2**20)
    assert "100Mi is too large" in said(folder.scanned())


# -- last known good -----------------------------------------------------------------------------

WRONG = {
    "not YAML": "spec: [",
    "unknown field": manifest("web", "  nonsense: 1\n"),
    "emptied": "",
    "only comments": "# nothing\n",
    "only a separator": "---\n",
    "another kind": "kind: Pod\n",
    "no program": manifest("web").replace("sleep", "no-such-program"),
    "no cwd": manifest("web", "  cwd: gone\n"),
    "no env file": manifest("web", "  envFrom: [gone.env]\n"),
    "bad name": manifest("Web_1"),
    "invalid UTF-8": b"\xff",
}


@pytest.mark.parametrize("content", WRONG.values(), ids=WRONG)
def test_a_wrong_file_stands_for_its_last_good_version(
    folder: Folder, accept: Accept, content: str | bytes
) -> None:
    path = folder.app("web", "  instances: 2\n")
    store = folder.scanned()
    good = store.apps["web"]
    folder.write("web.yaml", content)
    assert "web" in accept(store, path)
    for _ in range(2):
        kept = store.apps["web"]
        assert kept.problem is not None and kept.problem.file == str(path)
        assert (kept.spec, kept.hash) == (good.spec, good.hash)
        assert store.problems and store.scan().complete
    folder.app("web", "  instances: 2\n")
    accept(store, path)
    assert store.apps["web"] == good and not store.problems


def test_a_file_that_declares_nothing_is_told_even_when_it_never_did(folder: Folder) -> None:
    path = folder.write("web.yaml", "# all commented out\n")
    (problem,) = folder.scanned().problems
    assert problem.file == str(path), "after a restart nobody knows what it declared"


def test_an_unlistable_folder_makes_the_scan_incomplete_and_drops_nothing(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.app("web", file="sub/web.yaml")
    store = folder.scanned()
    real = os.scandir

    def scandir(path: str) -> object:
        if path.endswith("sub"):
            raise PermissionError(13, "Permission denied", path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    desired = store.scan()
    assert not desired.complete and "cannot be listed" in said(store)
    assert desired.apps["web"].problem is not None
    monkeypatch.undo()
    assert store.scan().apps["web"].problem is None


def test_a_missing_directory_is_one_problem_and_every_app_stands(folder: Folder) -> None:
    folder.app("a")
    folder.app("b")
    store = folder.scanned()
    folder.root.rename(folder.root.with_name("aside"))
    desired = store.scan()
    assert not desired.complete and desired.root_id is None
    assert len(desired.problems) == 1
    assert {name: app.problem for name, app in desired.apps.items()} == {
        "a": desired.problems[0],
        "b": desired.problems[0],
    }
    folder.root.with_name("aside").rename(folder.root)
    again = store.scan()
    assert again.complete and not again.problems and again.apps["a"].problem is None


def test_only_a_complete_scan_takes_a_file_for_gone(folder: Folder) -> None:
    path = folder.app("web")
    store = folder.scanned()
    path.unlink()
    assert not store.refresh([path]) and store.needs_scan
    assert "web" in store.apps
    assert "web" not in store.scan().apps


# -- two apps of one name ------------------------------------------------------------------------


def test_of_two_apps_of_one_name_the_first_stands_and_both_are_named(
    folder: Folder, accept: Accept
) -> None:
    first = folder.app("web", file="z.yaml")
    store = folder.scanned()
    before = store.apps["web"]
    second = folder.app("web", "  instances: 7\n", file="a.yaml")
    accept(store, second)
    assert store.apps["web"].spec == before.spec and store.apps["web"].problem is not None
    assert {problem.file for problem in store.problems} == {str(first), str(second)}
    assert all("also declared in" in problem.message for problem in store.problems)
    second.unlink()
    store.scan()
    assert store.apps["web"] == before and not store.problems


@pytest.mark.parametrize("is_scan", [True, False])
def test_of_two_that_came_at_once_none_is_taken(folder: Folder, is_scan: bool) -> None:
    """An order of file names decides nothing, whenever a controller sees them first."""
    folder.app("api")
    store = folder.scanned()
    both = [folder.app("web", file=name) for name in ("a.yaml", "b.yaml")]
    for _ in range(2):
        if is_scan:
            store.scan()
        else:
            store.refresh(both)
    assert [*store.apps] == ["api"]
    assert {problem.file for problem in store.problems} == {*map(str, both)}
    both[0].unlink()
    store.scan()
    assert store.apps["web"].source.file == str(both[1])


def test_of_two_that_were_there_at_the_start_none_is_taken(folder: Folder) -> None:
    folder.app("web", file="a.yaml")
    second = folder.app("web", "  instances: 7\n", file="b.yaml")
    store = folder.scanned()
    assert "web" not in store.apps and len(store.problems) == 2
    second.unlink()
    assert store.scan().apps["web"].problem is None


def test_twins_in_one_file_are_told_with_both_lines(folder: Folder) -> None:
    folder.write("web.yaml", manifest("web") + "---\n" + manifest("web"))
    assert "web.yaml:7:1" in said(folder.scanned()) and "line 1" in said(folder.scanned())


# -- when a change is believed -------------------------------------------------------------------


def test_a_change_is_believed_when_it_reads_the_same_twice(folder: Folder) -> None:
    path = folder.app("web")
    store = folder.scanned()
    folder.app("web", "  instances: 2\n")
    assert not store.refresh([path])
    assert store.unstable == {path} and store.apps["web"].spec.wanted == 1
    folder.app("web", "  instances: 3\n")
    assert not store.refresh(store.unstable), "it changed in between"
    assert store.refresh(store.unstable) == {"web"}
    assert store.apps["web"].spec.wanted == 3 and not store.unstable


def test_two_readings_count_where_enough_time_lies_between_them(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long a look takes, and whatever stands between two files in it."""
    path, other = folder.app("web"), folder.app("other")
    store = folder.scanned(settle=1.0)
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    folder.app("web", "  instances: 2\n")
    assert not store.refresh([path]) and store.settled_at == 101
    now[0] = 100.9
    folder.app("other", "  instances: 2\n")
    assert not store.refresh([path, other]), "the same, too early"
    assert store.settled_at == 101, "of the first; a second look does not put it off"
    now[0] = 101.0
    assert store.refresh([path, other]) == {"web"} and store.settled_at == 101.9
    folder.app("other", "  instances: 3\n")
    now[0] = 101.9
    assert not store.refresh([other]) and store.settled_at == 102.9
    now[0] = 103.0
    assert store.refresh([other]) == {"other"} and not store.unstable


def test_an_older_file_moved_in_place_counts(folder: Folder, accept: Accept) -> None:
    path = folder.app("web")
    store = folder.scanned()
    folder.app("web", "  instances: 2\n")
    os.utime(path, (1, 1))
    accept(store, path)
    assert store.apps["web"].spec.wanted == 2


def test_a_rewrite_within_one_tick_of_the_clock_is_seen(folder: Folder) -> None:
    path = folder.app("web", "  instances: 1\n")
    store = folder.scanned()
    stamp = path.stat()
    with path.open("r+b") as file:
        file.write(manifest("web", "  instances: 2\n").encode())
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert store.scan().apps["web"].spec.wanted == 2


@pytest.mark.usefixtures("always_fresh")
def test_an_edit_that_changes_no_stamp_at_all_is_seen(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settling, "signature", lambda path: (0, 0, 0, 0, 0))
    folder.app("web", "  instances: 1\n")
    store = folder.scanned()
    for count in (2, 1, 3):
        folder.app("web", f"  instances: {count}\n")
        assert store.scan().apps["web"].spec.wanted == count


def test_touching_a_file_changes_nothing(folder: Folder, accept: Accept) -> None:
    path = folder.app("web")
    store = folder.scanned()
    before = store.apps["web"]
    os.utime(path)
    accept(store, path)
    store.scan()
    assert store.apps["web"] is before


# -- what it costs -------------------------------------------------------------------------------


def test_a_refresh_reads_the_named_file_only(folder: Folder, reads: list[str]) -> None:
    paths = [folder.app(f"app-{number}") for number in range(50)]
    store = folder.scanned()
    age(*paths)
    store.scan()
    folder.app("app-7", "  instances: 2\n")
    reads.clear()
    store.refresh([paths[7]])
    store.refresh(store.unstable)
    assert reads == [str(paths[7])] * 2


def test_a_scan_reads_no_file_that_did_not_change(folder: Folder, reads: list[str]) -> None:
    paths = [folder.app(f"app-{number}") for number in range(20)]
    age(*paths)
    store = folder.scanned()
    reads.clear()
    store.scan()
    assert reads == []


# -- env and secret files ------------------------------------------------------------------------


def test_an_env_file_is_part_of_what_the_manifest_says(folder: Folder, accept: Accept) -> None:
    dotenv = folder.write(".env", "A=1\n")
    path = folder.app("web", "  envFrom: [.env]\n")
    store = folder.scanned(key=b"k")
    before = store.apps["web"]
    assert store.dependencies == {dotenv}
    age(dotenv, path)
    store.scan()
    folder.write(".env", "A=2\n")
    assert not store.refresh([dotenv]), "it may be half-written, too"
    assert store.unstable == {path}
    assert store.refresh(store.unstable) == {"web"}
    after = store.apps["web"]
    assert after.hash != before.hash and after.secrets == {"A": "2"}
    assert folder.scanned(key=b"k").apps["web"].hash == after.hash


def test_an_env_file_that_vanished_is_told_and_stops_nothing(folder: Folder) -> None:
    dotenv = folder.write(".env", "A=1\n")
    folder.app("web", "  envFrom: [.env]\n")
    store = folder.scanned(key=b"k")
    good = store.apps["web"]
    dotenv.unlink()
    store.scan()
    assert store.apps["web"].hash == good.hash and store.apps["web"].problem is not None
    assert ".env does not exist; create it" in said(store)
    folder.write(".env", "A=1\n")
    assert store.scan().apps["web"] == good


# -- settings and profiles -----------------------------------------------------------------------

SETTINGS = "apiVersion: recon/v1\nkind: Settings\nspec:\n  defaults: {instances: 4}\n"


def test_defaults_stand_under_every_app_and_count_as_written(folder: Folder) -> None:
    folder.write("recon.yaml", SETTINGS.replace("instances: 4", "umask: '077'"))
    folder.app("web")
    app = folder.scanned().apps["web"]
    assert app.spec.umask == "077" and "umask" in app.spec.model_fields_set


def test_bad_settings_leave_the_last_good_ones(folder: Folder, accept: Accept) -> None:
    path = folder.write("recon.yaml", SETTINGS)
    folder.app("web")
    store = folder.scanned()
    for wrong in ("", "spec: [", SETTINGS + "  x: 1\n", SETTINGS.replace("instances", "instnces")):
        folder.write("recon.yaml", wrong)
        accept(store, path)
        store.scan()
        assert store.apps["web"].spec.wanted == 4 and store.apps["web"].problem is None
        assert {problem.file for problem in store.problems} == {str(path)}


def test_settings_are_gone_when_two_scans_miss_them(folder: Folder) -> None:
    path = folder.write("recon.yaml", SETTINGS)
    folder.app("web")
    store = folder.scanned()
    path.unlink()
    assert store.scan().apps["web"].spec.wanted == 4
    assert store.scan().apps["web"].spec.wanted == 1


def test_settings_elsewhere_are_refused(folder: Folder) -> None:
    folder.write("sub/recon.yaml", SETTINGS)
    assert "belong into recon.yaml" in said(folder.scanned())


def test_changed_settings_reach_every_app(folder: Folder, accept: Accept) -> None:
    path = folder.write("recon.yaml", SETTINGS)
    folder.app("web")
    store = folder.scanned()
    folder.write("recon.yaml", SETTINGS.replace("4", "5"))
    accept(store, path)
    assert store.needs_scan
    assert store.scan().apps["web"].spec.wanted == 5


def test_a_profile_that_no_app_knows_is_told(folder: Folder) -> None:
    folder.app("a", "  profiles: {dev: {instances: 3}}\n")
    folder.app("b")
    store = folder.scanned(profile="dev")
    assert [store.apps[name].spec.wanted for name in "ab"] == [3, 1] and not store.problems
    assert "no manifest has a profile named dve" in said(folder.scanned(profile="dve"))


def test_what_the_host_cannot_honour_is_a_mistake_at_its_place(folder: Folder) -> None:
    def refusals(spec: AppSpec) -> list[tuple[str, Sentence]]:
        return [("instances", Sentence("too many", "write 1"))] if spec.instances > 1 else []

    path = folder.app("web")
    store = folder.scanned(refusals=refusals)
    assert said(store) == ""
    folder.app("web", "  instances: 2\n")
    store.scan()
    assert said(store) == f"{path}:6:14: spec.instances: too many; write 1"
    app = store.apps["web"]
    assert app.spec.wanted == 1 and app.problem is not None, "the last good version stands"


def test_a_review_elsewhere_asks_no_host(folder: Folder) -> None:
    folder.app("web")
    store = folder.scanned(anchor=folder.root, refusals=lambda spec: [("command", Sentence("no"))])
    assert store.problems == ()
