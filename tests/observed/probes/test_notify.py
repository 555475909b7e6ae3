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

from reconciler.observed.probes.notify import NotifySocket, parse
from reconciler.system import notifyplace
from tests.otheruser import as_user

Heard = list[tuple[int, Mapping[str, str]]]


class Ear:
    """A notification socket, and what it heard."""

    def __init__(self, store: str = "") -> None:
        self.loop = asyncio.new_event_loop()
        self.store = store or secrets.token_hex(4)
        self.heard: Heard = []
        self.socket = NotifySocket(self.store, self.loop, lambda *told: self.heard.append(told))
        self.address = notifyplace.address(self.store)

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


def _name(address: str) -> str:
    return "\0" + address[1:] if address.startswith("@") else address


def send(address: str, data: bytes, fds: tuple[int, ...] = ()) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(_name(address))
        socket.send_fds(sender, [data], list(fds))


def test_fields_come_with_the_pid_that_the_kernel_vouches_for(ear: Ear) -> None:
    send(ear.address, b"READY=1\nSTATUS=a=b, \xc3\xa4\n")
    ear.wait()
    assert ear.heard == [(os.getpid(), {"READY": "1", "STATUS": "a=b, ä"})]


def test_the_pid_is_that_of_the_sender_whatever_it_writes(ear: Ear) -> None:
    code = (
        "import socket, sys\n"
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        "s.sendto(b'MAINPID=1\\nREADY=1', sys.argv[1].replace('@', '\\0'))\n"
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


def test_the_next_controller_has_the_same_name(ear: Ear) -> None:
    ear.socket.close()
    ear.socket = NotifySocket(ear.store, ear.loop, lambda *told: ear.heard.append(told))
    send(ear.address, b"READY=1")
    ear.wait()


def test_what_an_earlier_release_started_is_heard_at_the_old_name(ear: Ear) -> None:
    send(notifyplace.old_address(ear.store), b"WATCHDOG=1")
    ear.wait()


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user's controller has no other name")
def test_whoever_takes_the_old_name_first_keeps_no_controller_from_starting() -> None:
    store = secrets.token_hex(4)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as thief:
        thief.bind(_name(notifyplace.old_address(store)))
        ear = Ear(store)
        try:
            assert ["cannot receive" in told for told in ear.socket.troubles] == [True]
            send(ear.address, b"READY=1")
            ear.wait()
        finally:
            ear.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has a folder that nobody else can write")
def test_another_user_may_send_and_can_not_take_the_sockets_place(ear: Ear) -> None:
    def attack() -> str:
        send(ear.address, b"READY=1")
        tried = []
        for act in (
            lambda: os.unlink(ear.address),
            lambda: os.rename(ear.address, ear.address + ".x"),
            lambda: os.listdir(os.path.dirname(ear.address)),
            lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).bind(ear.address + ".new"),
        ):
            try:
                act()
            except PermissionError:
                tried.append("refused")
        return " ".join(tried)

    assert as_user(attack, 54321) == "refused refused refused refused"
    ear.wait()


def test_a_flood_of_one_user_is_thrown_away_and_the_loop_goes_on(ear: Ear) -> None:
    code = (
        "import socket, sys\n"
        "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
        "s.connect(sys.argv[1].replace('@', '\\0'))\n"
        "while True: s.send(b'STATUS=' + b'x' * 60000)\n"
    )
    turns = 0
    with subprocess.Popen([sys.executable, "-c", code, ear.address]) as flood:
        try:

            async def count() -> None:
                nonlocal turns
                while len(ear.heard) < 400:
                    turns += 1
                    await asyncio.sleep(0)

            ear.loop.run_until_complete(asyncio.wait_for(count(), 60))
        finally:
            flood.kill()
    assert turns >= 4
    assert max(len(told["STATUS"]) for _, told in ear.heard) < 4096


@pytest.mark.parametrize("text", [b"", b"\n\n", b"READY", b"\xff\xfe", b"=", b"A=" * 1000])
def test_nonsense_is_passed_over(text: bytes) -> None:
    parse(text)
