"""The state directory is ours and writable only, or it is not used."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.state import paths as places
from reconciler.state.paths import (
    StatePaths,
    keep_key,
    prepare,
    prepare_shared,
    secret_key,
    state_paths,
    store_id,
)

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
    with pytest.raises(
        PermissionError, match=r"others could write to it \(mode 0770\); check that"
    ):
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


def test_an_option_wins_over_a_variable_and_a_variable_over_the_default(tmp_path: Path) -> None:
    environ = {"RECON_STATE_DIR": str(tmp_path / "b"), "XDG_STATE_HOME": str(tmp_path / "c")}
    assert state_paths(str(tmp_path / "a"), environ).root == tmp_path / "a"
    assert state_paths(None, environ).root == tmp_path / "b"


@pytest.mark.parametrize("root", [True, False])
def test_the_default_is_the_hosts_for_root_and_the_users_own_for_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: bool
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    xdg = {"XDG_STATE_HOME": str(tmp_path)}
    own = tmp_path / "recon"
    assert state_paths(None, xdg).root == (Path("/var/lib/recon").resolve() if root else own)


def test_a_link_to_a_state_directory_is_the_same_store(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    names = {store_id(state_paths(str(tmp_path / name), {})) for name in ("real", "link")}
    assert len(names) == 1
    assert store_id(state_paths(str(tmp_path), {})) not in names


def test_the_key_is_made_once_and_read_from_then_on(tmp_path: Path) -> None:
    paths = StatePaths(tmp_path)
    assert secret_key(paths) is None
    key = secret_key(paths, create=True)
    assert key is not None and len(key) == 32
    assert secret_key(paths) == secret_key(paths, create=True) == key
    assert mode(paths.key) == 0o600
    assert [*tmp_path.iterdir()] == [paths.key], "nothing is left of its making"


def test_a_key_that_is_damaged_is_kept_and_not_believed(tmp_path: Path) -> None:
    paths = StatePaths(tmp_path)
    paths.key.write_bytes(b"short")
    assert secret_key(paths) is None
    assert secret_key(paths, create=True) not in (None, b"short")
    assert paths.key.read_bytes() == b"short"


def test_a_key_that_cannot_be_written_yet_is_written_later(tmp_path: Path) -> None:
    paths = StatePaths(tmp_path / "not there yet")
    key = secret_key(paths, create=True)
    assert key is not None and not paths.key.exists()
    keep_key(paths, None)
    paths.root.mkdir()
    keep_key(paths, key)
    assert secret_key(paths) == key


@pytest.mark.parametrize("root", [True, False])
def test_only_root_makes_the_folder_that_a_group_can_reach(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, root: bool
) -> None:
    monkeypatch.setattr(places, "SHARED", tmp_path / "run")
    monkeypatch.setattr(os, "geteuid", lambda: 0 if root else 1000)
    if root:
        prepare_shared(StatePaths(tmp_path))
        assert mode(tmp_path / "run") == 0o755
    else:
        with pytest.raises(PermissionError, match="only root can listen in"):
            prepare_shared(StatePaths(tmp_path))
