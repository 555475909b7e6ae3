"""A file's identity is the kernel's, whatever way leads to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.system.files.statx import identity


def test_the_same_as_stat(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "link").symlink_to("file")
    found = os.stat(tmp_path / "file")
    assert identity(str(tmp_path / "file")) == (found.st_dev, found.st_ino)
    assert identity(str(tmp_path / "link")) == (found.st_dev, found.st_ino)
    assert identity("/dev/null") != identity("/dev/zero")


def test_through_a_descriptor_of_a_file_that_is_gone(tmp_path: Path) -> None:
    with open(tmp_path / "file", "w") as file:
        os.unlink(file.name)
        found = os.fstat(file.fileno())
        assert identity(f"/proc/self/fd/{file.fileno()}") == (found.st_dev, found.st_ino)
    with pytest.raises(FileNotFoundError):
        identity(str(tmp_path / "file"))
