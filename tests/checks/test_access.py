"""What another user may do, asked of the kernel."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.checks.access import Identity, allowed

NOBODY = Identity(65534, 65534, ())


def test_for_ourselves_it_is_what_access_says(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    asked = [(str(file), os.R_OK), (str(tmp_path / "none"), os.R_OK)]
    assert allowed(None, asked) == [True, False]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_another_user_meets_modes_groups_and_the_directories_above(tmp_path: Path) -> None:
    opened = Path("/") / "tmp"
    folder = tmp_path / "closed"
    folder.mkdir()
    inside = folder / "file"
    inside.write_text("x")
    inside.chmod(0o644)
    for above in (tmp_path, *tmp_path.parents):
        if above not in (opened, Path("/")):
            above.chmod(above.stat().st_mode | 0o011)
    folder.chmod(0o700)
    asked = [(str(folder), os.X_OK), (str(inside), os.R_OK)]
    assert allowed(NOBODY, asked) == [False, False]
    folder.chmod(0o711)
    assert allowed(NOBODY, asked) == [True, True]
    inside.chmod(0o640)
    os.chown(inside, 0, 4321)
    assert allowed(NOBODY, asked) == [True, False]
    assert allowed(NOBODY._replace(groups=(4321,)), asked) == [True, True]
    assert os.geteuid() == 0
