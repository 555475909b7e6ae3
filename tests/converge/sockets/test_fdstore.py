"""systemd's fd store, spoken with a service manager of the test's own."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.converge.sockets import fdstore
from reconciler.model.words.address import Address


def test_a_socket_is_sent_to_the_service_manager_and_withdrawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(path)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        with socket.create_server(("127.0.0.1", 0)) as server:
            address = fdstore.address_of(server)
            fdstore.keep(address, server.fileno())
            message, fds, _, _ = socket.recv_fds(manager, 4096, 4)
            assert os.fstat(fds[0]).st_ino == os.fstat(server.fileno()).st_ino
        os.close(fds[0])
        lines = dict(line.split("=") for line in message.decode().splitlines())
        assert lines["FDSTORE"] == "1" and ":" not in lines["FDNAME"]
        fdstore.drop(address)
        assert f"FDSTOREREMOVE=1\nFDNAME={lines['FDNAME']}".encode() == manager.recv(4096)


def test_without_a_service_manager_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    fdstore.keep(Address("127.0.0.1", 1), 0)


TAKER = """
import os, sys
from reconciler.converge.sockets import fdstore
found = fdstore.take()
print(sorted(map(str, found)), [os.get_inheritable(one.fileno()) for one in found.values()])
print(sorted(name for name in os.environ if name.startswith("LISTEN_")))
"""


@pytest.mark.parametrize("ours", [True, False])
def test_what_was_kept_is_taken_back_by_the_one_it_is_meant_for(ours: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = str(fdstore.address_of(server))
        pid = "$$" if ours else "1"
        script = f'LISTEN_PID={pid} LISTEN_FDS=1 LISTEN_FDNAMES=x exec "$@" 3<&0'
        done = subprocess.run(
            ["/bin/sh", "-c", script, "sh", sys.executable, "-c", TAKER],
            stdin=server.fileno(),
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
    expected = f"['{address}'] [False]" if ours else "[] []"
    assert done.stdout.splitlines() == [expected, "[]"]
