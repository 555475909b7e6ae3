"""The state directory is ours and ours alone, or it is not used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.loop.paths import StatePaths, prepare

STRANGER = 54321


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


def test_it_is_made_for_nobody_else_to_look_into(tmp_path: Path) -> None:
    prepare(StatePaths(tmp_path / "a/state"))
    assert mode(tmp_path / "a/state") == 0o700


def test_an_empty_one_is_closed_one_with_files_that_others_could_write_is_refused(
    tmp_path: Path,
) -> None:
    state = tmp_path / "state"
    state.mkdir()
    state.chmod(0o777)
    prepare(StatePaths(state))
    assert mode(state) == 0o700
    (state / "recon.db").touch()
    state.chmod(0o755)
    prepare(StatePaths(state))
    state.chmod(0o770)
    with pytest.raises(PermissionError, match=r"others could write to it \(mode 0770\); see that"):
        prepare(StatePaths(state))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to others")
def test_another_users_is_refused_and_one_that_others_could_swap(tmp_path: Path) -> None:
    state = tmp_path / "theirs/state"
    state.mkdir(parents=True)
    os.chown(state, STRANGER, STRANGER)
    with pytest.raises(PermissionError, match=f"belongs to uid {STRANGER}, and recon runs as"):
        prepare(StatePaths(state))
    os.chown(state, 0, 0)
    os.chown(state.parent, STRANGER, STRANGER)
    with pytest.raises(PermissionError, match=f"theirs belongs to uid {STRANGER}"):
        prepare(StatePaths(state))


def test_a_link_in_its_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "state").symlink_to("real")
    with pytest.raises(OSError):
        prepare(StatePaths(tmp_path / "state"))
