"""The content of watched files: what changes a digest, and what must not."""

from __future__ import annotations

import fcntl
import os
import signal
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.watched import trees
from reconciler.desired.watched.content import content, trees_of
from reconciler.desired.watched.own_files import OwnFiles
from reconciler.desired.watched.trees import Scope, Trees, TreeTooLarge, changed
from reconciler.model.spec.watch import Watch


def watching(cwd: Path, *paths: str, ignore: tuple[str, ...] = ()) -> Trees:
    return trees_of(Watch(paths=paths, ignore=ignore), str(cwd))


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def test_content_decides_and_nothing_else(tmp_path: Path) -> None:
    main = tmp_path / "dist/main.js"
    write(main, "one")
    looker = watching(tmp_path, "dist")
    first = looker.look()
    assert first.keys() == {"dist"}
    os.utime(main, (1, 1))
    assert looker.look() == first
    main.unlink()
    write(main, "one")  # another file with what the old one held
    assert looker.look() == first
    write(main, "two")
    assert looker.look() != first
    write(main, "one")
    assert looker.look() == first
    main.chmod(0o755)
    assert looker.look() != first


def test_a_new_looker_sees_the_same_as_one_that_was_there_before(tmp_path: Path) -> None:
    write(tmp_path / "dist/a/b.js", "b")
    write(tmp_path / "dist/c.js", "c")
    old = watching(tmp_path, "dist")
    old.look()
    write(tmp_path / "dist/c.js", "d")
    (tmp_path / "dist/a/b.js").unlink()
    assert old.look() == watching(tmp_path, "dist").look()


def test_names_are_content_too(tmp_path: Path) -> None:
    write(tmp_path / "dist/a", "x")
    looker = watching(tmp_path, "dist")
    first = looker.look()
    (tmp_path / "dist/a").rename(tmp_path / "dist/b")
    assert looker.look() != first


def test_what_is_left_out(tmp_path: Path) -> None:
    write(tmp_path / "src/main.ts", "x")
    looker = watching(tmp_path, "src", ignore=("*.map", "!keep.log", "/gen/"))
    first = looker.look()
    for name in (
        *("node_modules/x/index.js", ".git/HEAD", "app.log", "deep/app.log", "main.ts~"),
        *(".main.ts.swp", "main.map", "gen/x.ts", "__pycache__/x.pyc", "a.pid"),
    ):
        write(tmp_path / "src" / name, "x")
    assert looker.look() == first
    write(tmp_path / "src/keep.log", "x")
    second = looker.look()
    assert second != first
    write(tmp_path / "src/deep/gen/x.ts", "x")  # "/gen/" means the one at the top
    assert looker.look() != second


def test_our_own_folders_are_never_content(tmp_path: Path) -> None:
    write(tmp_path / "main.py", "x")
    (tmp_path / "link").symlink_to(tmp_path / "state")
    looker = trees_of(Watch(paths=(".",)), str(tmp_path), own=OwnFiles([str(tmp_path / "link")]))
    first = looker.look()
    write(tmp_path / "state/recon.db", "x")
    assert looker.look() == first
    assert str(tmp_path / "state") not in looker.folders()


def test_a_path_that_is_gone_or_empty_is_no_new_content(tmp_path: Path) -> None:
    write(tmp_path / "dist/a", "x")
    watch = Watch(paths=("dist", "conf"))
    looker = trees_of(watch, str(tmp_path))
    first = content(watch, looker.look(), {})
    assert first.keys() == {"dist"}
    (tmp_path / "dist/a").unlink()
    assert content(watch, looker.look(), first) == first
    (tmp_path / "dist").rmdir()
    assert content(watch, looker.look(), first) == first
    # What is not watched any more is not remembered.
    assert content(Watch(paths=("conf",)), {}, first) == {}


def test_a_single_file_and_a_link_to_one(tmp_path: Path) -> None:
    write(tmp_path / "releases/1/app.py", "one")
    write(tmp_path / "releases/2/app.py", "two")
    current = tmp_path / "current"
    current.symlink_to("releases/1")
    looker = watching(tmp_path, "current/app.py", "current")
    first = looker.look()
    current.unlink()
    current.symlink_to("releases/2")
    second = looker.look()
    assert first["current"] != second["current"]
    assert first["current/app.py"] != second["current/app.py"]


def test_files_that_change_behind_their_folders_back_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "other/text", "x")
    write(tmp_path / "dist/plain", "x")
    write(tmp_path / "dist/below/plain", "x")
    for name in ("dist/link", "dist/below/link", "dist/left-out.log", "place"):
        (tmp_path / name).symlink_to(tmp_path / "other/text")
    (tmp_path / "dist/folder").symlink_to(tmp_path / "other")
    (tmp_path / "dist/nowhere").symlink_to("later")
    (tmp_path / "gone").symlink_to("later")
    (tmp_path / "dist/hard").hardlink_to(tmp_path / "dist/below/plain")
    looker = watching(tmp_path, "dist", "place", "gone")
    looker.look()
    names = ("link", "below/link", "nowhere", "hard", "below/plain")
    wanted = {*(f"dist/{name}" for name in names), "place", "gone"}
    assert looker.apart() == {str(tmp_path / name) for name in wanted}
    monkeypatch.setattr(trees, "MOST_APART", 2)
    assert len(looker.apart()) == 2


def test_links_in_a_circle_and_pipes_end(tmp_path: Path) -> None:
    write(tmp_path / "dist/a/b", "x")
    (tmp_path / "dist/a/up").symlink_to(tmp_path / "dist")
    os.mkfifo(tmp_path / "dist/pipe")
    (tmp_path / "dist/gone").symlink_to("nowhere")
    looker = watching(tmp_path, "dist")
    looker.look()
    assert list(looker.files()) == ["dist/a/b"]


def test_which_paths_may_be_content(tmp_path: Path) -> None:
    write(tmp_path / "dist/a", "x")
    scope = Scope(("dist", "later/on"), ("*.css", "!/css/*.css"), str(tmp_path))
    assert scope.concerns(str(tmp_path / "dist/new"))
    assert not scope.concerns(str(tmp_path / "dist/x.log"))
    assert not scope.concerns(str(tmp_path / "dist/node_modules/x/index.js"))
    assert not scope.concerns(str(tmp_path / "dist/x.css"))
    assert scope.concerns(str(tmp_path / "dist/css/x.css"))
    assert not scope.concerns(str(tmp_path / "distant"))
    assert scope.concerns(str(tmp_path / "later"))  # it may come to hold what is watched
    looker = Trees(scope)
    looker.look()
    assert looker.folders() == {str(tmp_path), str(tmp_path / "dist")}


def test_too_many_files_are_a_mistake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trees, "MOST", 3)
    for number in range(4):
        write(tmp_path / f"dist/{number}", "x")
    with pytest.raises(TreeTooLarge, match="more than 3 files"):
        watching(tmp_path, "dist").look()


@given(
    st.dictionaries(st.sampled_from("abcd"), st.binary(max_size=2)),
    st.dictionaries(st.sampled_from("abcd"), st.binary(max_size=2)),
)
def test_what_changed_is_what_differs(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    found = changed(before, after)
    assert found == sorted({name for name, _ in before.items() ^ after.items()})


def test_a_file_that_is_too_large_is_named_and_not_read(tmp_path: Path) -> None:
    write(tmp_path / "dist/a", "x")
    for size in (8 << 40, trees.MOST_BYTES + 1):
        os.truncate(tmp_path / "dist/a", size)
        with pytest.raises(TreeTooLarge, match=r"dist/a is too large to watch .* `ignore`"):
            watching(tmp_path, "dist").look()
    looker = watching(tmp_path, "dist", ignore=("a",))
    assert looker.look() == {}


def test_files_that_are_too_much_together_are_not_read(tmp_path: Path) -> None:
    for number in range(5):
        write(tmp_path / f"dist/{number}", "")
        os.truncate(tmp_path / f"dist/{number}", trees.MOST_BYTES)
    with pytest.raises(TreeTooLarge, match="too large to watch"):
        watching(tmp_path, "dist").look()


def test_a_file_that_grows_while_it_is_read_is_not_read_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "dist/a", "x")
    monkeypatch.setattr(trees, "MOST_BYTES", 2 << 20)
    monkeypatch.setattr(trees, "_check_sizes", lambda _: os.truncate(tmp_path / "dist/a", 8 << 40))
    with pytest.raises(TreeTooLarge, match="too large to watch"):
        watching(tmp_path, "dist").look()


def test_pseudo_file_systems_are_no_content(tmp_path: Path) -> None:
    write(tmp_path / "dist/a", "x")
    alone = watching(tmp_path, "dist").look()
    for number, place in enumerate(("/proc", "/sys", "/proc/kmsg", "/proc/self/root/proc")):
        (tmp_path / f"dist/{number}").symlink_to(place)
    looker = watching(tmp_path, "dist")
    assert looker.look() == alone
    assert looker.folders() == {str(tmp_path), str(tmp_path / "dist")}


def test_folders_that_link_to_each_other_count_once_where_the_names_would_be_too_many(
    tmp_path: Path,
) -> None:
    names = "abcdefgh"
    for one in names:
        for number in range(2):
            write(tmp_path / f"farm/{one}/{number}", one)
        for other in names:
            if other != one:
                (tmp_path / f"farm/{one}/{other}").symlink_to(tmp_path / f"farm/{other}")
    looker = watching(tmp_path, "farm")
    first = looker.look()
    assert len(looker.files()) == 16 and len(looker.folders()) == 10
    write(tmp_path / "farm/h/1", "another")
    assert looker.look() != first


def test_a_folder_with_two_names_is_content_under_both(tmp_path: Path) -> None:
    """As it ever was: an upgrade must not see another digest."""
    write(tmp_path / "dist/releases/1/app.js", "x")
    (tmp_path / "dist/current").symlink_to("releases/1")
    looker = watching(tmp_path, "dist")
    assert looker.look() == {"dist": "28b5fcce0dc1"}
    assert sorted(looker.files()) == ["dist/current/app.js", "dist/releases/1/app.js"]


def test_a_file_that_is_leased_is_what_it_was(tmp_path: Path) -> None:
    leased = tmp_path / "dist/a"
    write(leased, "one")
    looker = watching(tmp_path, "dist")
    first = looker.look()
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # its holder is told to let go
    try:
        with leased.open("r+") as file:
            os.utime(leased)
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
            assert looker.look() == first
    finally:
        signal.signal(signal.SIGIO, before)
    write(leased, "two")
    assert looker.look() != first


KINDS = st.sampled_from(("file", "large", "fifo", "folder", "link", "circle", "/proc", "/dev/zero"))
NAMES = st.lists(st.sampled_from("abc"), min_size=1, max_size=4).map("/".join)


@given(st.dictionaries(NAMES, KINDS, max_size=12), st.sampled_from("abc"))
def test_any_tree_has_an_answer(kinds: dict[str, str], target: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        for path, kind in kinds.items():
            try:
                make(top / path, kind, top / target)
            except OSError:
                continue  # something else stands there, or on the way
        try:
            looker = watching(top, ".")
            looker.look()
        except TreeTooLarge as error:
            assert "too large to watch" in str(error) or "holds more than" in str(error)
        else:
            assert all(os.path.isfile(top / file) for file in looker.files())


def make(path: Path, kind: str, target: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if kind in ("file", "large"):
        with path.open("xb") as file:  # not by a link to a FIFO that stands there
            file.truncate(8 << 40 if kind == "large" else 1)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to({"link": target, "circle": path.parent}.get(kind, Path(kind)))
