from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.loop.lock import LockHeldError, acquire, is_held


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
