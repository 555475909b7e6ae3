"""A process that only waits keeps a socket; one of the same user and store is taken for one."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.logs.write import holder_process
from tests.logs.write.holders import a_store, end, holders
from tests.waiting import until

_FORGED = """
import os, sys
mark = os.memfd_create(sys.argv[1])
if mark != 2:
    os.dup2(mark, 2)
os.write(1, b"forged")
os.read(0, 1)
"""


@pytest.fixture
def store() -> Iterator[str]:
    with a_store() as name:
        yield name


@pytest.mark.parametrize(
    "command", holder_process.commands(), ids=lambda words: Path(words[0]).name
)
def test_each_program_waits_and_has_nothing_but_the_socket(
    store: str, command: tuple[str, ...]
) -> None:
    near, far = socket.socketpair()
    lock = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    pid, pidfd = holder_process.start(store, command, far.fileno())
    far.close()
    try:
        until(lambda: os.readlink(f"/proc/{pid}/exe") == os.path.realpath(command[0]), what="exec")
        # The linker has each library open for a moment.
        until(lambda: sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2"], what="its files")
        assert os.readlink(f"/proc/{pid}/cwd") == "/"
        assert os.getsid(pid) == pid
        near.send(b"kept: the other end is open")
    finally:
        end(pidfd)
        os.close(lock)
    with pytest.raises(OSError, match=r"Broken pipe|reset"):
        near.send(b"not any more")
    near.close()


def test_those_of_a_store_are_found_and_ended_but_for_one(store: str) -> None:
    with a_store() as other:
        wait = holder_process.commands()[0]
        near, far = socket.socketpair()
        started = [
            holder_process.start(name, wait, far.fileno()) for name in (store, store, store, other)
        ]
        kept = started[0][0]
        assert holders(store) == 3 and holders(other) == 1
        for pidfd in holder_process.kill_all(store, kept):
            assert holder_process.has_ended(pidfd, 5)
            os.close(pidfd)
        assert holders(store) == 1 and holders(other) == 1
        assert holder_process.is_holder(kept, store)
        for _, pidfd in started:
            end(pidfd)
        near.close()
        far.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED: another user's process needs root")
def test_another_users_process_with_the_same_mark_is_left_alone(store: str) -> None:
    forger = subprocess.Popen(
        [
            shutil.which("python3", path=os.defpath) or sys.executable,
            "-c",
            _FORGED,
            f"recon-holder-{store}",
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        user=65534,
        env={},
        cwd="/",
    )
    with forger:
        assert forger.stdout is not None
        assert forger.stdout.read(6) == b"forged"
        link = os.readlink(f"/proc/{forger.pid}/fd/2")
        assert link == f"/memfd:recon-holder-{store} (deleted)"
        assert not holder_process.is_holder(forger.pid, store)
        assert not holder_process.kill_all(store)
        assert forger.poll() is None
        forger.communicate(b"x")
