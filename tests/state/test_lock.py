from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.state.lock import LockHeldError, acquire, acquire_all, is_at, is_held


def test_second_controller_is_refused_and_told_who_runs(tmp_path: Path) -> None:
    held = acquire(tmp_path / "lock")
    try:
        with pytest.raises(LockHeldError, match=f"pid {os.getpid()}"):
            acquire(tmp_path / "lock")
        assert is_held(tmp_path / "lock")
    finally:
        os.close(held)


def test_lock_ends_with_its_descriptor_not_with_its_file(tmp_path: Path) -> None:
    os.close(acquire(tmp_path / "lock"))
    assert not is_held(tmp_path / "lock")
    os.close(acquire(tmp_path / "lock"))


def test_lock_does_not_outlive_an_exec(tmp_path: Path) -> None:
    held = acquire(tmp_path / "lock")
    try:
        assert not os.get_inheritable(held)
    finally:
        os.close(held)


def test_nothing_is_held_where_there_is_no_lock(tmp_path: Path) -> None:
    assert not is_held(tmp_path / "lock")


def test_a_lock_whose_file_was_removed_is_seen_and_taken_again(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    held = acquire(path)
    assert is_at(held, path)
    path.unlink()
    assert not is_at(held, path)
    again = acquire(path)
    assert is_at(again, path)
    os.close(held)
    os.close(again)


def test_where_one_directory_cannot_be_written_the_other_ones_lock_holds(tmp_path: Path) -> None:
    gone, there = tmp_path / "gone/lock", tmp_path / "lock"
    held = acquire_all(gone, there)
    assert len(held) == 1
    with pytest.raises(LockHeldError):
        acquire_all(None, there)
    os.close(held[0])
    with pytest.raises(FileNotFoundError):
        acquire_all(gone, None)


def test_of_two_locks_of_which_one_is_held_none_is_taken(tmp_path: Path) -> None:
    other = acquire(tmp_path / "second")
    with pytest.raises(LockHeldError):
        acquire_all(tmp_path / "first", tmp_path / "second")
    os.close(acquire(tmp_path / "first"))
    os.close(other)
