"""The user of a socket, by the two ends of its connection."""

from __future__ import annotations

import os
import socket

import pytest

from reconciler.observed.probes.sockowner import socket_owner


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_owner_of_each_end_is_this_user(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        server = socket.create_server((host, 0), family=family)
    except OSError:
        pytest.skip(f"SKIPPED: this host has no {host}")
    with server, socket.create_connection(server.getsockname()[:2]) as client:
        here, there = client.getsockname()[:2], client.getpeername()[:2]
        assert socket_owner(here, there) == socket_owner(there, here) == os.geteuid()


def test_a_connection_over_a_mapped_address_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.socket(socket.AF_INET6)
        try:
            client.connect(("::ffff:127.0.0.1", server.getsockname()[1]))
        except OSError:
            pytest.skip("SKIPPED: this host has no IPv6")
        with client:
            accepted, address = server.accept()
            assert socket_owner(address, accepted.getsockname()) == os.geteuid()
            accepted.close()


def test_a_connection_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(OSError, match="ENOENT"):
        socket_owner(("127.0.0.1", 1), ("127.0.0.1", 2))
    with pytest.raises(ValueError):
        socket_owner(("nonsense", 1), ("127.0.0.1", 2))
