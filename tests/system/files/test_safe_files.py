"""As root in a folder of another user's: that user's tricks reach nothing of root's."""

from __future__ import annotations

import contextlib
import errno
import gzip
import os
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import pytest

from reconciler.converge.sockets.sockets import SocketError, Sockets
from reconciler.logs.write import logfile
from reconciler.logs.write.compress import tidy
from reconciler.model.spec.logs import Rotate
from reconciler.model.spec.socket import Socket
from reconciler.system import syscalls
from reconciler.system.files import safe_files
from reconciler.system.files.safe_files import Owner
from tests.waiting import until

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root has something to lose in the folders of others"
)
USER = Owner(43210, 43210)
OTHER = 54321
NOW = 1_700_000_000.0


@pytest.fixture(params=["openat2", "step by step"], autouse=True)
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a sandbox that forbids openat2, too."""

    def forbidden(*_: object) -> int:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    if request.param != "openat2":
        monkeypatch.setattr(syscalls, "openat2", forbidden)


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every user may enter."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def theirs(place: Path) -> Path:
    folder = place / "theirs"
    folder.mkdir()
    os.chown(folder, *USER)
    return folder


@pytest.fixture
def victim(place: Path) -> Path:
    """root's, with a file that is named like a log."""
    folder = place / "victim"
    folder.mkdir()
    for name in ("log", "x.log", "x.log.20260101-000000-000000"):
        (folder / name).write_text("root's\n")
    return folder


def write(path: Path, text: str = "line\n") -> None:
    fd = logfile.open_log(path, USER)
    os.write(fd, text.encode())
    os.close(fd)


def refusal(path: Path) -> str:
    with pytest.raises(OSError) as caught:
        write(path)
    return str(caught.value.strerror)


def as_user(act: Callable[[], object]) -> int:
    """A process of that user's, which acts until it is killed; its pid."""
    pid = os.fork()
    if pid:
        return pid
    os.setgroups([])
    os.setresgid(*[USER.gid] * 3)
    os.setresuid(*[USER.uid] * 3)
    while True:
        with contextlib.suppress(OSError):
            act()


def end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)  # our child, not reaped yet
    os.waitpid(pid, 0)


def test_what_is_made_belongs_to_the_apps_user(place: Path) -> None:
    path = place / "logs/app/0.out.log"
    write(path)
    write(path)
    assert path.read_text() == "line\nline\n"
    owners = {p.name: p.stat().st_uid for p in (path, path.parent, path.parent.parent)}
    assert owners == {"0.out.log": USER.uid, "app": USER.uid, "logs": 0}
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_log_that_is_a_link_a_second_name_or_no_file_is_not_touched(
    theirs: Path, victim: Path
) -> None:
    path = theirs / "x.log"
    path.symlink_to(victim / "log")
    assert "x.log is a link, so recon does not touch it; remove it" in refusal(path)
    path.unlink()
    os.link(victim / "log", path)
    assert "has a second name elsewhere" in refusal(path)
    path.unlink()
    os.mkfifo(path)
    assert "is not a regular file" in refusal(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    assert "is not a regular file" in refusal(path)
    os.close(reader)
    path.unlink()
    path.write_text("a stranger's\n")
    os.chown(path, OTHER, OTHER)
    assert f"belongs to uid {OTHER}" in refusal(path)
    assert (victim / "log").read_text() == "root's\n"


def test_links_on_the_way_are_followed_only_where_they_are_roots(
    place: Path, theirs: Path, victim: Path
) -> None:
    (theirs / "logs").symlink_to(victim)
    assert "link" in refusal(theirs / "logs/x.log") or (victim / "x.log").read_text() == "root's\n"
    assert (victim / "x.log").read_text() == "root's\n"
    (place / "var").symlink_to("theirs")
    write(place / "var/deep/y.log")
    assert (theirs / "deep/y.log").read_text() == "line\n"
    place.chmod(0o777)
    assert "is not followed" in refusal(place / "var/deep/y.log")


def test_a_rotation_and_its_compression_change_nothing_of_roots(theirs: Path, victim: Path) -> None:
    path = theirs / "x.log"
    write(path)
    logfile.rotate(path, 7, NOW)
    [rotated] = logfile.rotated(path)
    partial = rotated.with_name(f"{rotated.name}.gz.tmp")
    partial.symlink_to(victim / "log")
    (theirs / "x.log.20250101-000000-000000").symlink_to(victim / "log")
    tidy(str(path), Rotate())
    packed = rotated.with_name(f"{rotated.name}.gz")
    assert gzip.decompress(packed.read_bytes()) == b"line\n"
    assert (packed.stat().st_uid, packed.stat().st_mode & 0o777) == (USER.uid, 0o640)
    assert not (theirs / "x.log.20250101-000000-000000.gz").exists(), "root's file was read"
    assert (victim / "log").read_text() == "root's\n"


def test_the_folder_may_become_another_at_any_moment(theirs: Path, victim: Path) -> None:
    """The user swaps its folder of logs for a link to root's, all the time."""
    logs = theirs / "logs"
    logs.mkdir()
    os.chown(logs, *USER)
    before = {file.name: file.read_text() for file in victim.iterdir()}

    aside = (theirs / f"aside{n}" for n in count())

    def swap() -> None:
        with contextlib.suppress(FileNotFoundError):
            os.rename(logs, next(aside))
        os.symlink(victim, logs)
        os.unlink(logs)

    pid = as_user(swap)
    try:
        written = refused = 0
        while not (written > 300 and refused > 300):
            try:
                write(logs / "x.log")
                logfile.rotate(logs / "x.log", 1, NOW)
                written += 1
            except OSError:
                refused += 1
            tidy(str(logs / "x.log"), Rotate())
    finally:
        end(pid)
    assert {file.name: file.read_text() for file in victim.iterdir()} == before


def test_a_unix_socket_that_is_swapped_for_a_link_gives_nothing_away(
    theirs: Path, victim: Path
) -> None:
    path = theirs / "x.sock"
    wanted = (Socket(name="x", path=str(path), owner=str(USER.uid), mode="666"),)
    sockets = Sockets(lambda address: (), lambda address, own: None)
    try:
        sockets.declare("app", wanted)
        assert (path.stat().st_uid, path.stat().st_mode & 0o777) == (USER.uid, 0o666)
        before = (victim / "log").stat()
        path.unlink()
        path.symlink_to(victim / "log")
        with pytest.raises(SocketError, match="another file is in its place"):
            sockets.hold("nonce", wanted)
        path.unlink()
        with socket.socket(socket.AF_UNIX) as roots:  # of another service
            roots.bind(str(victim / "sock"))
        os.link(victim / "sock", path)
        with pytest.raises(SocketError, match="another file is in its place"):
            sockets.hold("nonce", wanted)
        after = (victim / "log").stat()
        assert (after.st_uid, after.st_mode) == (before.st_uid, before.st_mode)
        assert (victim / "sock").stat().st_uid == 0
    finally:
        sockets.close()


def test_a_folder_that_is_held_is_the_same_whatever_its_name_comes_to_mean(
    theirs: Path, victim: Path
) -> None:
    (theirs / "logs").mkdir()
    with safe_files.held(theirs / "logs") as folder:
        (theirs / "logs").rename(theirs / "moved")
        (theirs / "logs").symlink_to(victim)
        (folder / "file").write_text("here")
    until((theirs / "moved/file").exists)
    assert not (victim / "file").exists()
