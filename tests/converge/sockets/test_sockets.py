"""One socket an address: kept while it is needed, fetched back, never shared with strangers."""

from __future__ import annotations

import os
import pwd
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.converge.sockets.sockets import Fetch, SocketError, Sockets
from reconciler.model.spec.socket import Socket
from reconciler.model.words.address import Address
from reconciler.observed.probes import listeners
from tests.ports import ports
from tests.waiting import until


@pytest.fixture
def port() -> Iterator[int]:
    with ports() as first:
        yield first


@pytest.fixture
def sockets() -> Iterator[Sockets]:
    made = Sockets(lambda address: (), lambda address, own: None)
    yield made
    made.close()


def tcp(port: int, name: str = "http") -> tuple[Socket, ...]:
    return (Socket(name=name, port=port),)


def inode(fd: int) -> int:
    return os.fstat(fd).st_ino


def is_open(port: int) -> bool:
    return bool(listeners.listening(Address("127.0.0.1", port)))


def test_it_listens_as_soon_as_it_is_declared_and_is_one_for_all(
    sockets: Sockets, port: int
) -> None:
    sockets.declare("web", tcp(port))
    socket.create_connection(("127.0.0.1", port)).close()
    [one] = sockets.hold("n1", tcp(port))
    [two] = sockets.hold("n2", tcp(port))
    assert inode(one) == inode(two)


def test_it_is_kept_until_the_last_process_that_has_it_is_gone(sockets: Sockets, port: int) -> None:
    sockets.declare("web", tcp(port))
    sockets.hold("n1", tcp(port))
    sockets.declare("web", ())
    assert is_open(port)
    sockets.release("n1")
    assert not is_open(port)


def test_another_app_takes_it_over_as_it_is(sockets: Sockets, port: int) -> None:
    sockets.declare("old", tcp(port))
    [before] = map(inode, sockets.hold("n1", tcp(port)))
    sockets.declare("new", tcp(port, "site"))
    sockets.declare("old", ())
    sockets.release("n1")
    assert [*map(inode, sockets.hold("n2", tcp(port)))] == [before]


def test_a_stranger_is_named_and_the_socket_is_had_once_it_left(port: int) -> None:
    names: list[str] = ["pid 7 (nginx)"]
    sockets = Sockets(lambda address: (), lambda address, own: names[0] if names else None)
    sockets.declare("web", tcp(port))
    assert "127.0.0.1:" in sockets.conflicts()["web"] and "pid 7 (nginx)" in str(
        sockets.conflicts()
    )
    with pytest.raises(SocketError, match="held by pid 7"):
        sockets.hold("n1", tcp(port))
    names.clear()
    sockets.declare("web", tcp(port))
    assert not sockets.conflicts() and is_open(port)
    sockets.close()


HOLDER = """
import socket, sys
held = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(held.fileno(), flush=True)
sys.stdin.read()
"""


def test_it_is_fetched_from_a_process_that_has_it(port: int) -> None:
    """pidfd_getfd: the same socket, with the connections that wait in it."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout is not None and holder.stdin is not None
        fd = int(holder.stdout.readline())
        [before] = listeners.listening(Address("127.0.0.1", port))
        pidfd = os.pidfd_open(holder.pid)
        sockets = Sockets(lambda address: [(pidfd, fd)], lambda address, own: "nobody may ask")
        sockets.declare("web", tcp(port))
        assert sockets.conflicts() == {}
        assert [*map(inode, sockets.hold("n1", tcp(port)))] == [before]
        os.close(pidfd)
        sockets.close()
    finally:
        holder.kill()
        holder.communicate()
    until(lambda: not is_open(port), what="the last one that had it is gone")


def test_where_it_cannot_be_fetched_it_is_bound_beside_the_old_one(port: int) -> None:
    """The stated fallback: the address is served on, by two queues for a while."""
    first = Sockets(lambda address: (), lambda address, own: None)
    first.declare("web", tcp(port))
    second = Sockets(lambda address: [(-1, -1)], lambda address, own: None)
    second.declare("web", tcp(port))
    assert second.conflicts() == {} and is_open(port)
    assert len(listeners.listening(Address("127.0.0.1", port))) == 2
    first.close()
    second.close()


def test_a_unix_socket_has_its_mode_and_is_removed_with_its_last_user(
    sockets: Sockets, tmp_path: Path
) -> None:
    path = tmp_path / "x.sock"
    declared = (Socket(name="api", path=str(path), mode="0620"),)
    sockets.declare("web", declared)
    assert stat.S_IMODE(path.stat().st_mode) == 0o620
    sockets.declare("web", ())
    assert not path.exists()


def test_a_changed_mode_is_set_on_the_same_socket(sockets: Sockets, tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    sockets.declare("web", (Socket(name="api", path=str(path), mode="0600"),))
    before = path.stat().st_ino
    sockets.declare("web", (Socket(name="api", path=str(path), mode="0666"),))
    assert (path.stat().st_ino, stat.S_IMODE(path.stat().st_mode)) == (before, 0o666)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can change the owner of a file")
def test_a_unix_socket_belongs_to_whom_the_manifest_says(sockets: Sockets, tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    nobody = Socket(name="api", path=str(path), owner="nobody", group="65534")
    sockets.declare("web", (nobody,))
    assert (path.stat().st_uid, path.stat().st_gid) == (pwd.getpwnam("nobody").pw_uid, 65534)


def test_a_file_in_the_way_is_never_removed(sockets: Sockets, tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("data")
    sockets.declare("web", (Socket(name="api", path=str(path)),))
    assert "exists and is not a socket" in sockets.conflicts()["web"]
    assert path.read_text() == "data"


# -- what others do in the folder of a unix socket, in the very moment of bind(2) ------------------


def unix(path: Path) -> tuple[Socket, ...]:
    return (Socket(name="api", path=str(path), mode="0666"),)


def answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as one:
        return one.connect_ex(str(path)) == 0


@pytest.fixture
def just_before_bind(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Have something done once, when everything was looked at and bind(2) comes next."""

    def arrange(act: Callable[[], object]) -> None:
        acts = [act]

        class Interrupted(socket.socket):
            def bind(self, address: Any) -> None:
                if acts:
                    acts.pop()()
                super().bind(address)

        monkeypatch.setattr("reconciler.converge.sockets.sockets.socket.socket", Interrupted)

    return arrange


def test_what_a_crash_left_is_replaced(sockets: Sockets, tmp_path: Path) -> None:
    path = tmp_path / "x.sock"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    sockets.declare("web", unix(path))
    assert sockets.conflicts() == {} and answers(path)


def test_one_that_listens_is_not_replaced_though_nobody_knows_whose_it_is(
    sockets: Sockets, tmp_path: Path
) -> None:
    """As from another network namespace, of which no table here tells."""
    path = tmp_path / "x.sock"
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen()
        sockets.declare("web", unix(path))
        assert "is already in use by a process that recon cannot see" in sockets.conflicts()["web"]
        assert answers(path) and living.accept()[0].fileno() >= 0
    sockets.declare("web", unix(path))
    assert sockets.conflicts() == {} and answers(path)


def test_one_that_the_kernels_table_left_out_is_fetched_and_not_replaced(tmp_path: Path) -> None:
    """As its rows move while they are read: one look of two does not show it."""
    path = tmp_path / "x.sock"
    looks: list[list[Fetch]] = []
    with socket.socket(socket.AF_UNIX) as living:
        living.bind(str(path))
        living.listen()
        pidfd = os.pidfd_open(os.getpid())
        looks += [[], [(pidfd, living.fileno())]]
        sockets = Sockets(lambda address: looks.pop(0), lambda address, own: None)
        sockets.declare("web", unix(path))
        assert sockets.conflicts() == {}
        assert [*map(inode, sockets.hold("n1", unix(path)))] == [inode(living.fileno())]
        sockets.close()
        os.close(pidfd)


def test_of_two_starts_at_once_one_has_the_path_and_the_other_says_so(
    sockets: Sockets, tmp_path: Path, just_before_bind: Callable[[Callable[[], object]], None]
) -> None:
    path = tmp_path / "x.sock"
    other = socket.socket(socket.AF_UNIX)

    def first() -> None:
        socket.SocketType.bind(other, str(path))
        other.listen()

    just_before_bind(first)
    sockets.declare("web", unix(path))
    assert str(path) in sockets.conflicts()["web"]
    assert answers(path) and other.accept()[0].fileno() >= 0
    other.close()


@pytest.mark.parametrize("leads_to", ["nothing", "a file", "a socket"])
def test_a_link_planted_in_its_place_is_not_followed(
    sockets: Sockets,
    tmp_path: Path,
    just_before_bind: Callable[[Callable[[], object]], None],
    leads_to: str,
) -> None:
    path, target = tmp_path / "x.sock", tmp_path / "target"
    if leads_to == "a file":
        target.write_text("data")
    elif leads_to == "a socket":
        with socket.socket(socket.AF_UNIX) as one:
            one.bind(str(target))
    before = target.lstat() if target.exists() else None
    just_before_bind(lambda: path.symlink_to(target))
    sockets.declare("web", unix(path))
    assert str(path) in sockets.conflicts()["web"]
    after = target.lstat() if target.exists() else None
    assert (before and (before.st_ino, before.st_mode)) == (after and (after.st_ino, after.st_mode))
    path.unlink()
    sockets.declare("web", unix(path))
    assert sockets.conflicts() == {} and answers(path)


def test_a_folder_that_is_swapped_for_a_link_gets_no_socket_that_answers(
    sockets: Sockets, tmp_path: Path, just_before_bind: Callable[[Callable[[], object]], None]
) -> None:
    folder, aside, elsewhere = tmp_path / "run", tmp_path / "aside", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()

    def swap() -> None:
        folder.rename(aside)
        folder.symlink_to(elsewhere)

    just_before_bind(swap)
    sockets.declare("web", unix(folder / "x.sock"))
    assert "moved in the meantime" in sockets.conflicts()["web"]
    for left in elsewhere.iterdir():
        assert stat.S_IMODE(left.lstat().st_mode) == 0o600 and not answers(left)
    folder.unlink()
    aside.rename(folder)
    sockets.declare("web", unix(folder / "x.sock"))
    assert sockets.conflicts() == {} and answers(folder / "x.sock")


def test_an_address_of_another_host_is_told_in_a_sentence(sockets: Sockets, port: int) -> None:
    sockets.declare("web", (Socket(name="http", port=port, host="192.0.2.1"),))
    assert "192.0.2.1 is not an address of this host" in sockets.conflicts()["web"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_a_low_port_says_what_would_allow_it(tmp_path: Path) -> None:
    code = (
        "import os\n"
        "from reconciler.converge.sockets.sockets import Sockets\n"
        "from reconciler.model.spec.socket import Socket\n"
        "made = Sockets(lambda a: (), lambda a, own: None)\n"
        "declared = Socket(name='http', port=81)\n"
        "os.setuid(65534)  # who may not read this Python's files\n"
        "made.declare('web', (declared,))\n"
        "print(made.conflicts()['web'])\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    start = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()
    if int(start) <= 81:
        pytest.skip("port 81 is for everybody here (net.ipv4.ip_unprivileged_port_start)")
    assert "port 81 is reserved for root" in done.stdout and "sysctl" in done.stdout, done.stderr
