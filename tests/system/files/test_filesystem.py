"""The kernel's own file systems are told from those that hold files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.system.files.filesystem import is_local, is_pseudo


@pytest.mark.parametrize("place", ["/proc", "/proc/self/status", "/sys", "/dev/pts"])
def test_what_the_kernel_makes_up_is_pseudo(place: str) -> None:
    descriptor = os.open(place, os.O_PATH | os.O_CLOEXEC)
    try:
        assert is_pseudo(place) and is_pseudo(descriptor)
        assert not is_local(place)
    finally:
        os.close(descriptor)


def test_a_disk_holds_files_and_answers(tmp_path: Path) -> None:
    assert not is_pseudo(str(tmp_path)) and is_local(str(tmp_path))


def test_what_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        is_pseudo(str(tmp_path / "gone"))
