"""A child of recon's own: its stdin is a socket, and it is held by a pidfd."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from reconciler.system.work import child
from reconciler.system.work.child import Child


@pytest.fixture
def started() -> Iterator[list[Child]]:
    """Children that a test starts, ended with it."""
    found: list[Child] = []
    yield found
    for one in found:
        one.socket.close()
        os.waitid(os.P_PIDFD, one.pidfd, os.WEXITED)
        os.close(one.pidfd)


def test_it_reads_what_is_sent_and_ends_with_its_socket(started: list[Child]) -> None:
    # `python -m code` is an interpreter that reads its stdin.
    one = child.start("code", ["-q"], {**os.environ}, is_quiet=True)
    started.append(one)
    near, far = os.pipe()
    try:
        one.socket.sendall(
            f"open('/proc/{os.getpid()}/fd/{far}', 'w').write(repr((__import__('os').getcwd(),"
            f" __import__('os').getsid(0) == __import__('os').getpid())))\n".encode()
        )
        assert os.read(near, 100) == b"('/', True)"
    finally:
        os.close(near)
        os.close(far)


def test_nothing_is_left_open_where_it_cannot_be_started() -> None:
    before = os.listdir("/proc/self/fd")
    with pytest.raises(ValueError, match="null byte"):
        child.start("code", ["a\0b"], {})
    assert os.listdir("/proc/self/fd") == before
