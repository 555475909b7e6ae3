"""Only users that may are let in, whatever words they have: the kernel says who they are."""

from __future__ import annotations

import os
import socket

import pytest

from reconciler.ui.dashboard.security.peer import Peers


def test_the_own_user_is_let_in() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        accepted, address = server.accept()
        assert Peers(environ={}).refusal(address, accepted.getsockname()) == ""
        client.close()
        accepted.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED: only root can be another user")
def test_another_user_is_refused_by_number_unless_that_user_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = socket.create_connection(server.getsockname())
        os.fchown(client.fileno(), 4711, -1)  # as if that user had made it (sockfs_setattr)
        accepted, address = server.accept()
        here = accepted.getsockname()
        assert "uid 4711" in Peers(environ={}).refusal(address, here)
        assert Peers([4711], environ={}).refusal(address, here) == ""
        assert Peers(environ={"SUDO_UID": "4711"}).refusal(address, here) == ""
        assert Peers(environ={"SUDO_UID": "x"}).refusal(address, here) != ""
        accepted.close()
        client.close()


def test_a_connection_that_is_not_there_is_refused() -> None:
    assert "does not say" in Peers(environ={}).refusal(("127.0.0.1", 1), ("127.0.0.1", 2))
