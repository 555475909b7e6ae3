"""Who holds a port is named."""

from __future__ import annotations

import os
import socket

from reconciler.observed.ports import listeners


def test_the_listener_is_named_and_a_connection_is_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            (found,) = listeners(port)
    assert (found.address, found.port, found.pid) == ("127.0.0.1", port, os.getpid())
    assert found.name
    assert listeners(port) == ()
