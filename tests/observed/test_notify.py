"""What programs say of themselves, and that each speaks for itself only."""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping

import pytest

from reconciler.model.observed import notify_address
from reconciler.observed.notify import NotifySocket, parse

Heard = list[tuple[int, Mapping[str, str]]]


class Ear:
    """A notification socket, and what it heard."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        store = secrets.token_hex(4)
        self.address = notify_address(store)
        self.heard: Heard = []
        self.socket = NotifySocket(store, self.loop, lambda *told: self.heard.append(told))

    def wait(self, count: int = 1) -> None:
        async def enough() -> None:
            async with asyncio.timeout(60):
                while len(self.heard) < count:
                    await asyncio.sleep(0.001)

        self.loop.run_until_complete(enough())

    def close(self) -> None:
        self.socket.close()
        self.loop.close()


@pytest.fixture
def ear() -> Iterator[Ear]:
    made = Ear()
    yield made
    made.close()


def send(address: str, data: bytes, fds: tuple[int, ...] = ()) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect("\0" + address[1:])
        socket.send_fds(sender, [data], list(fds))


def test_fields_come_with_the_pid_that_the_kernel_vouches_for(ear: Ear) -> None:
    send(ear.address, b"READY=1\nSTATUS=a=b, \xc3\xa4\n")
    ear.wait()
    assert ear.heard == [(os.getpid(), {"READY": "1", "STATUS": "a=b, ä"})]


def test_the_pid_is_that_of_the_sender_whatever_it_writes(ear: Ear) -> None:
    code = (
        "import socket, sys\n"
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        "s.sendto(b'MAINPID=1\\nREADY=1', '\\0' + sys.argv[1][1:])\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, ear.address]) as child:
        ear.wait()
    assert [pid for pid, _ in ear.heard] == [child.pid]


def test_descriptors_that_are_sent_along_are_not_kept(ear: Ear) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with open(os.devnull) as null:
        send(ear.address, b"FDSTORE=1", (null.fileno(), null.fileno()))
    ear.wait()
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_next_controller_has_the_same_name() -> None:
    first = Ear()
    first.socket.close()
    second = NotifySocket(first.address.split("/")[1], first.loop, lambda *told: None)
    second.close()
    first.loop.close()


@pytest.mark.parametrize("text", [b"", b"\n\n", b"READY", b"\xff\xfe", b"=", b"A=" * 1000])
def test_nonsense_is_passed_over(text: bytes) -> None:
    parse(text)
