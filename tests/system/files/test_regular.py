"""Files of others are opened without waiting for anybody."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from pathlib import Path

import pytest

from reconciler.system.files.regular import open_regular, read_head


def test_the_beginning_of_a_file_is_read_through_links(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"0123456789")
    (tmp_path / "link").symlink_to("file")
    assert read_head(tmp_path / "link", 4) == b"0123"


@pytest.mark.parametrize("kind", ["fifo", "device", "directory", "link to a FIFO"])
def test_what_is_no_regular_file_is_refused_without_waiting(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "it"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "directory":
        path.mkdir()
    else:
        os.mkfifo(tmp_path / "fifo")
        path.symlink_to("fifo")
    with pytest.raises(OSError, match="not a regular file") as caught:
        open_regular(path)
    assert caught.value.errno == errno.EINVAL


def test_a_lease_is_not_waited_for(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # how the kernel asks its holder
    path = tmp_path / "leased"
    path.write_bytes(b"content")
    with path.open("r+b") as holder:
        fcntl.fcntl(holder.fileno(), fcntl.F_SETLEASE, fcntl.F_WRLCK)
        with pytest.raises(BlockingIOError):
            open_regular(path)
    signal.signal(signal.SIGIO, before)


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        open_regular(tmp_path / "none")
