"""What is left out of a watched folder: as git would."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from reconciler.desired.watched.content import trees_of
from reconciler.desired.watched.ignore import Ignored, unreadable
from reconciler.model.spec.watch import Watch

_PIECES = st.sampled_from(["a", "b", "*", "**", "?", "*.js", "[ab]", "/", "/", "!", "\\", "x", " "])
_PATTERNS = st.lists(
    st.lists(_PIECES, min_size=1, max_size=5)
    .map("".join)
    # gitignore(5) says what ** means between slashes, and git itself has quirks elsewhere; at the
    # end, `a/**/` means folders only to git and all to us.
    .filter(lambda text: not re.search(r"[^/]\*\*|\*\*[^/]|\*\*/$", text)),
    max_size=4,
)
_FILES = ("a", "b/a", "b/b.js", "x/a/b", "x/a/x.js", "x/b/a/b", "x/x", "x.js", "a b/x")


@pytest.mark.skipif(shutil.which("git") is None, reason="no git in PATH, the oracle")
@settings(max_examples=150, deadline=None)
@given(_PATTERNS)
def test_patterns_mean_what_git_means_by_them(
    tmp_path_factory: pytest.TempPathFactory, patterns: list[str]
) -> None:
    top = tmp_path_factory.getbasetemp() / "ignoring"
    if not top.exists():
        for name in _FILES:
            (top / "dist" / name).parent.mkdir(parents=True, exist_ok=True)
            (top / "dist" / name).write_text(name)
        subprocess.run(["git", "init", "-q", "--bare", str(top / "repository")], check=True)
    assume(not [*unreadable(patterns)])
    (top / "patterns").write_text("\n".join(patterns) + "\n")
    listed = subprocess.run(
        ["git", f"--git-dir={top}/repository", "--work-tree=.", "ls-files", "-z", "--others",
         f"--exclude-from={top}/patterns"],
        cwd=top / "dist", capture_output=True, text=True, check=True,
    ).stdout.split("\0")  # fmt: skip
    trees = trees_of(Watch(paths=("dist",), ignore=tuple(patterns)), str(top))
    trees.look()
    assert {name.removeprefix("dist/") for name in trees.files()} == {*filter(None, listed)}


def test_only_what_is_named_is_taken_in_again() -> None:
    """The usual way to say: nothing but these. A folder has to be taken in to be looked into."""
    only = Ignored(["*", "!*/", "!*.js"])
    for name, ignored in (("b/", False), ("b/x.js", False), ("b/x.ts", True), ("b/c/", False)):
        assert (name in only) is ignored, name
    assert not only.hides("b/c/x.js") and not only.hides("b")


def test_of_what_may_be_either_nothing_is_missed() -> None:
    ignored = Ignored(["logs/", "*.map"])
    assert not ignored.hides("logs"), "a file of that name is none of it"
    assert ignored.hides("logs/today") and ignored.hides("a/logs/b/c") and ignored.hides("x.map")


def test_what_cannot_be_read_is_named() -> None:
    assert [*unreadable(["a", "!", "# x", "", "b\\", "[z-a]", "/", "/x"])] == [1, 4, 5, 6]
    with pytest.raises(ValueError, match="!"):
        Ignored(["!"])
