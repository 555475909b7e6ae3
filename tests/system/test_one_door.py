"""What the loop's threads do with paths that users name goes through the one door, all of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import reconciler

HOME = Path(reconciler.__file__).parent
LOOKS = [
    "desired/files.py",
    *(f"desired/directory/{name}.py" for name in ("settling", "store", "walk")),
    *(f"desired/manifest/{name}.py" for name in ("logplaces", "manifest", "presence", "resolve")),
    *("desired/environment/variables.py", "desired/text/locate.py"),
    *(f"desired/watched/{name}.py" for name in ("content", "own_files", "trees")),
    *(f"loop/manifests/{name}.py" for name in ("declared", "looks", "reader")),
    *(f"loop/watching/{name}.py" for name in ("contents", "folders", "hints", "watch")),
]
TOUCH = re.compile(
    r"\bos\.(stat|lstat|open|access|readlink|listdir|path\."
    r"(isdir|isfile|islink|exists|lexists|realpath|getsize|getmtime|samefile))\("
    r"|\.(is_dir|is_file|is_symlink|exists|resolve|read_text|read_bytes|iterdir|glob)\(\)"
)
NOT_THE_USERS = {
    "own = os.path.realpath(state) if state is not None else None  # recon's: it answers",
    "descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)",  # sync_folder: the command line's
    "is_link = entry.is_symlink()",  # known from the listing
    "entry.is_symlink()",
    "unfit = is_made_up(entry.path) if entry.is_symlink() else False",
}


@pytest.mark.parametrize("name", LOOKS)
def test_no_path_is_touched_behind_the_back_of_the_door(name: str) -> None:
    lines = (HOME / name).read_text().splitlines()
    touches = [line.strip() for line in lines if TOUCH.search(line)]
    assert [line for line in touches if line not in NOT_THE_USERS] == []
