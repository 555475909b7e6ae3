"""Sockets of this very test process, found again in the kernel's tables."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from reconciler.model.words.address import Address
from reconciler.observed.probes import listeners


def inode(of: socket.socket) -> int:
    return os.fstat(of.fileno()).st_ino


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0", "::1", "::"])
def test_a_listening_socket_is_found_by_its_address_and_so_is_who_has_it(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        address = Address(host, server.getsockname()[1])
        assert listeners.listening(address) == {inode(server): address}
        found = listeners.holders([inode(server)], [os.getpid()])
        assert found == [(os.getpid(), server.fileno())]
    assert listeners.listening(address) == {}


def test_one_on_all_addresses_is_in_the_way_of_one_address() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:
        port = server.getsockname()[1]
        assert list(listeners.listening(Address("127.0.0.1", port))) == [inode(server)]
        assert listeners.listening(Address("::1", port)) == {}


def test_a_unix_socket_is_found_only_while_it_listens(tmp_path: Path) -> None:
    path = str(tmp_path / "a socket")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        assert listeners.listening(Address(path=path)) == {}
        server.listen()
        assert list(listeners.listening(Address(path=path))) == [inode(server)]


def test_each_of_many_listening_sockets_is_found(tmp_path: Path) -> None:
    """The kernel gives its tables page by page: 26 rows of TCP, or some 70 unix sockets."""
    with ExitStack() as stack:
        ports, paths = [], []
        for number in range(200):
            ports.append(stack.enter_context(socket.create_server(("127.0.0.1", 0))))
            paths.append(stack.enter_context(socket.socket(socket.AF_UNIX)))
            paths[-1].bind(str(tmp_path / f"{number}"))
            paths[-1].listen()
        places = [Address("127.0.0.1", one.getsockname()[1]) for one in ports]
        places += [Address(path=one.getsockname()) for one in paths]
        found = [[*listeners.listening(place)] for place in places]
        assert found == [[inode(one)] for one in (*ports, *paths)]
        assert listeners.ports_of([os.getpid()]) >= {place.port for place in places if place.port}


def test_a_connection_is_no_listener() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = Address("127.0.0.1", server.getsockname()[1])
        with socket.create_connection(server.getsockname()):
            assert list(listeners.listening(address)) == [inode(server)]


def test_the_stranger_is_named_unless_it_is_one_of_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = Address("127.0.0.1", server.getsockname()[1])
        told = listeners.stranger(address, (), [])
        assert told is not None and told.startswith(f"pid {os.getpid()} (")
        assert listeners.stranger(address, {inode(server)}, []) is None
        assert listeners.stranger(address, (), [os.getpid()]) is None


def test_the_stranger_is_named_with_its_user_also_where_it_may_not_be_looked_at(
    tmp_path: Path,
) -> None:
    def name(uid: int) -> str:
        return f"number {uid}"

    with socket.create_server(("127.0.0.1", 0)) as server:
        told = listeners.describe([inode(server)], user_of=name)
        assert told.startswith(f"pid {os.getpid()} (")
        assert told.endswith(f", user number {os.getuid()})")
        # A /proc with the tables, and without the descriptors of anybody.
        (tmp_path / "net").mkdir()
        for table in ("tcp", "tcp6"):
            (tmp_path / "net" / table).write_bytes(Path("/proc/net", table).read_bytes())
        told = listeners.describe([inode(server)], str(tmp_path), name)
    assert told == f"a process of user number {os.getuid()}"
    assert listeners.describe([1], str(tmp_path), name) == "a process of another user"
