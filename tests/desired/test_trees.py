"""The content of watched files: what changes a digest, and what must not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired import trees
from reconciler.desired.ours import Ours
from reconciler.desired.trees import Trees, TreeTooLarge, changed, content
from reconciler.model.watch import Watch


def watching(cwd: Path, *paths: str, ignore: tuple[str, ...] = ()) -> Trees:
    return Trees(Watch(paths=paths, ignore=ignore), str(cwd))


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
    looker = Trees(Watch(paths=(".",)), str(tmp_path), ours=Ours([str(tmp_path / "link")]))
    first = looker.look()
    write(tmp_path / "state/recon.db", "x")
    assert looker.look() == first
    assert str(tmp_path / "state") not in looker.folders()


def test_a_path_that_is_gone_or_empty_is_no_new_content(tmp_path: Path) -> None:
    write(tmp_path / "dist/a", "x")
    watch = Watch(paths=("dist", "conf"))
    looker = Trees(watch, str(tmp_path))
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
    looker = watching(tmp_path, "dist", "later/on", ignore=("*.css", "!/css/*.css"))
    assert looker.concerns(str(tmp_path / "dist/new"))
    assert not looker.concerns(str(tmp_path / "dist/x.log"))
    assert not looker.concerns(str(tmp_path / "dist/node_modules/x/index.js"))
    assert not looker.concerns(str(tmp_path / "dist/x.css"))
    assert looker.concerns(str(tmp_path / "dist/css/x.css"))
    assert not looker.concerns(str(tmp_path / "distant"))
    assert looker.concerns(str(tmp_path / "later"))  # it may come to hold what is watched
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
