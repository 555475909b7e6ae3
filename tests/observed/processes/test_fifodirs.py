"""FIFOs lie in memory where that is root's own, else in the state directory; found by rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.observed.processes import fifodirs
from reconciler.observed.processes.fifodirs import fifo_dirs


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place that passes for one in memory, as root finds it."""
    place = tmp_path / "memory"
    place.mkdir()
    monkeypatch.setattr(fifodirs, "_PLACES", (str(place),))
    monkeypatch.setattr(fifodirs, "_for_root", lambda: True)
    monkeypatch.setattr(fifodirs, "kind_of", {place: "tmpfs"}.get)
    return place


def test_in_memory_first_and_also_when_the_state_directory_is_gone(
    memory: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    expected = (f"{memory}/recon-store", f"{state}/fifo")
    assert fifo_dirs(state, "store") == expected
    (memory / "recon-store").mkdir(0o700)
    assert fifo_dirs(state, "store") == expected


def test_a_folder_that_others_made_or_may_write_to_is_left_alone(
    memory: Path, tmp_path: Path
) -> None:
    folder, elsewhere = memory / "recon-store", tmp_path / "elsewhere"
    on_disk = (f"{tmp_path}/state/fifo",)
    folder.mkdir()
    folder.chmod(0o777)
    assert fifo_dirs(tmp_path / "state", "store") == on_disk
    folder.rmdir()
    elsewhere.mkdir()
    folder.symlink_to(elsewhere)
    assert fifo_dirs(tmp_path / "state", "store") == on_disk


def test_a_place_on_disk_is_no_better_than_the_state_directory(
    memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fifodirs, "kind_of", {memory: "ext4"}.get)
    assert fifo_dirs(tmp_path, "store") == (f"{tmp_path}/fifo",)


def test_an_ordinary_users_lie_in_the_state_directory(
    memory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fifodirs, "_for_root", lambda: False)
    assert fifo_dirs(tmp_path, "store") == (f"{tmp_path}/fifo",)
