"""A file is replaced as a whole, or is what it was; as root no link of others is followed."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from reconciler.system.files.replace import ChangedMeanwhileError, held_file

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be fooled by links")


def replace(path: Path, content: bytes) -> None:
    with held_file(str(path)) as file:
        file.replace(file.read(1000), content)


def test_mode_and_link_stay(tmp_path: Path) -> None:
    real = tmp_path / "below" / "real.yaml"
    real.parent.mkdir()
    real.write_bytes(b"old")
    real.chmod(0o640)
    link, second = tmp_path / "link.yaml", tmp_path / "second.yaml"
    link.symlink_to("below/real.yaml")
    second.symlink_to(link)
    replace(second, b"new")
    assert link.is_symlink() and second.is_symlink() and real.read_bytes() == b"new"
    assert real.stat().st_mode & 0o7777 == 0o640
    assert os.listdir(real.parent) == ["real.yaml"]


@needs_root
def test_owner_stays(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    file.write_bytes(b"old")
    os.chown(file, 54321, 12345)
    replace(file, b"new")
    assert (file.stat().st_uid, file.stat().st_gid) == (54321, 12345)


def test_what_another_program_wrote_meanwhile_stays(tmp_path: Path) -> None:
    file = tmp_path / "web.yaml"
    for theirs in (b"theirs", b"theirs, which is longer", b""):
        file.write_bytes(b"old")
        with held_file(str(file)) as held:
            before = held.read(1000)
            file.write_bytes(theirs)
            with pytest.raises(ChangedMeanwhileError):
                held.replace(before, b"new")
        assert file.read_bytes() == theirs and os.listdir(tmp_path) == ["web.yaml"]


def test_a_file_that_is_too_large_or_none_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(b"x" * 1001)
    os.mkfifo(tmp_path / "fifo")
    for name, code in (("large", errno.EFBIG), ("fifo", errno.EINVAL), ("none", errno.ENOENT)):
        with pytest.raises(OSError) as error:
            replace(tmp_path / name, b"")
        assert error.value.errno == code


def test_links_in_a_circle_end(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to(tmp_path / "b")
    (tmp_path / "b").symlink_to(tmp_path / "a")
    with pytest.raises(OSError) as error:
        replace(tmp_path / "a", b"")
    assert error.value.errno == errno.ELOOP


@needs_root
def test_a_link_that_another_user_made_is_not_followed(tmp_path: Path) -> None:
    target = tmp_path / "roots.yaml"
    target.write_bytes(b"old")
    folder = tmp_path / "theirs"
    folder.mkdir()
    os.chown(folder, 54321, 54321)
    link = folder / "web.yaml"
    link.symlink_to(target)
    with pytest.raises(OSError, match="another user could have made this link"):
        replace(link, b"new")
    os.symlink(tmp_path, folder / "way")
    with pytest.raises(OSError, match="is not followed"):
        replace(folder / "way" / "roots.yaml", b"new")
    assert target.read_bytes() == b"old"


@needs_root
def test_a_folder_that_is_swapped_meanwhile_changes_nothing_elsewhere(tmp_path: Path) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other"
    for one in (folder, other):
        one.mkdir()
        (one / "web.yaml").write_bytes(b"old")
    with held_file(str(folder / "web.yaml")) as held:
        folder.rename(tmp_path / "moved")
        folder.symlink_to(other)
        held.replace(held.read(1000), b"new")
    assert (other / "web.yaml").read_bytes() == b"old"
    assert (tmp_path / "moved" / "web.yaml").read_bytes() == b"new"
