"""A socket for one instance's probes: refused until the program listens on it."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from reconciler.converge.privatesocket import PrivateSockets


def test_a_connection_is_refused_until_the_program_listens(tmp_path: Path) -> None:
    private = PrivateSockets(tmp_path)
    with private.create("n1", "http") as own:
        path = private.path("n1", "http")
        assert path is not None
        with socket.socket(socket.AF_UNIX) as probe, pytest.raises(ConnectionRefusedError):
            probe.connect(path)
        own.listen()
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)
    private.close()


def test_the_next_controller_finds_it_however_long_the_path_is(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100) / ("e" * 100)
    first = PrivateSockets(deep)
    with first.create("n1", "http") as own:
        own.listen()
        first.close()
        second = PrivateSockets(deep)
        path = second.path("n1", "http")
        assert path is not None
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(path)
        assert second.path("n1", "other") is None and second.path("n2", "http") is None
        second.sweep(live=())
        assert second.path("n1", "http") is None and not list((deep / "probe").iterdir())
        second.close()
