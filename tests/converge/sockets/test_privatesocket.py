"""A socket for one instance's probes: refused until the program listens on it."""

from __future__ import annotations

import os
import shutil
import socket
from pathlib import Path

import pytest

from reconciler.converge.sockets.privatesocket import PrivateSockets, open_private, places


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


def test_one_whose_folder_was_removed_is_made_again_and_asked_no_more(tmp_path: Path) -> None:
    private = PrivateSockets(tmp_path)
    private.create("n1", "http").close()
    shutil.rmtree(tmp_path)
    assert private.path("n1", "http") is None, "the shared socket is asked instead"
    private.create("n2", "http").close()
    assert private.path("n2", "http") is not None
    assert private.path("n1", "http") is None
    private.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="a user's lie in the state directory first")
def test_roots_lie_in_the_run_directory_and_those_of_before_are_found(tmp_path: Path) -> None:
    store = f"test{os.getpid()}"
    before = PrivateSockets(tmp_path)
    before.create("n1", "http").close()
    before.close()
    private = PrivateSockets(tmp_path, store)
    private.create("n2", "http").close()
    assert private.path("n1", "http") and private.path("n2", "http")
    assert os.listdir(tmp_path / "probe") == ["n1.http"]
    with open_private(tmp_path, "n2", "http", store) as path:
        assert path is not None and os.path.lexists(path)
    private.sweep(live=())
    private.close()
    assert not places(tmp_path, store)[0].exists() and not os.listdir(tmp_path / "probe")
