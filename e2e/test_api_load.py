"""Clients that read slowly, or not at all, leave the controller as quick and as small as it was.

Only ratios are judged: how long an answer takes, and the memory that the controller needs, with 200
such clients and without any.
"""

from __future__ import annotations

import re
import socket
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from e2e.harness import Recon
from e2e.programs import numbered
from reconciler.api.client import Client
from reconciler.state.paths import StatePaths
from tests.waiting import until

_STREAM = "Accept: text/event-stream\r\n"
DEAD = (
    ("/v1/logs/web?lines=5000", _STREAM),
    ("/v1/logs/web?lines=5000&follow=1", ""),
    ("/v1/events?limit=1000", _STREAM),
    ("/v1/events?limit=1000&follow=1", ""),
)
"""What is asked for by clients that read nothing."""
SLOW = "/v1/logs/web?lines=5000"
"""What is asked for by clients that read a byte a second."""
MANY = 200
_QUICKER = 4.0
"""Times as long may a median answer take: the clients themselves share the processors."""
_LARGER = 2.5


class Clients:
    """Connections that have asked, each with its kind."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self.sockets: list[socket.socket] = []
        self._slow: list[socket.socket] = []
        self._left = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def ask(self, path: str, header: str = "", *, slow: bool = False) -> None:
        client = socket.socket(socket.AF_UNIX)
        client.connect(self._path)
        client.sendall(f"GET {path} HTTP/1.1\r\nHost: recon\r\n{header}\r\n".encode())
        self.sockets.append(client)
        if slow:
            self._slow.append(client)

    def answered(self) -> bool:
        """Whether each has an answer waiting."""
        for client in self.sockets:
            client.setblocking(False)
            try:
                if not client.recv(1, socket.MSG_PEEK):
                    return False
            except BlockingIOError:
                return False
        return True

    def _read(self) -> None:
        while not self._left.wait(1.0):
            for client in [*self._slow]:
                try:
                    client.recv(1)
                except OSError:
                    continue

    def close(self) -> None:
        self._left.set()
        self._reader.join()
        for client in self.sockets:
            client.close()


@contextmanager
def clients(recon: Recon) -> Iterator[Clients]:
    made = Clients(StatePaths(recon.state.resolve()).socket)
    try:
        yield made
    finally:
        made.close()


def answer_seconds(client: Client) -> float:
    """How long an answer takes: the median of many."""
    found = []
    for _ in range(300):
        began = time.perf_counter()
        client.version()
        found.append(time.perf_counter() - began)
    return statistics.median(found)


def memory(pid: int) -> int:
    """The memory of a process that no other process shares, in KiB."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(found) for found in re.findall(r"^Private_\w+: +(\d+)", text, re.M))


@pytest.fixture
def busy(recon: Recon) -> Recon:
    """An app that writes without end, some 200 lines a second, and has written for a while."""
    recon.app("web", numbered(0.005, prefix="x" * 150), logs={"rotate": {"size": "1Mi"}})
    recon.run()
    recon.healthy("web")
    client = Client(StatePaths(recon.state.resolve()).socket)
    until(lambda: len([*client.logs("web", lines=1000)]) == 1000, what="there is enough to read")
    return recon


def test_200_slow_and_dead_clients_cost_neither_time_nor_memory(busy: Recon) -> None:
    assert busy.controller is not None
    pid, client = busy.controller.pid, Client(StatePaths(busy.state.resolve()).socket)
    quick, small = answer_seconds(client), memory(pid)
    with ExitStack() as stack:
        crowd = stack.enter_context(clients(busy))
        for number in range(MANY):
            if number % 5 == 4:
                crowd.ask(SLOW, slow=True)
            else:
                crowd.ask(*DEAD[number % 5])
        until(crowd.answered, seconds=120, what="each has begun to be answered")
        before = len(busy.log("web"))
        # First each gets what its socket takes; from then on they cost nothing.
        until(
            lambda: answer_seconds(client) < _QUICKER * quick,
            seconds=60,
            what=f"answers take less than {_QUICKER} times {quick} s",
        )
        large = memory(pid)
        print(f"answers {quick * 1e3:.2f} ms, memory {small} → {large} KiB")
        until(lambda: len(busy.log("web")) > before, what="output is still written")
        assert busy.of("web")["health"] == "Healthy"
        assert [*client.logs("web", lines=1)], "another client is served"
    assert large < _LARGER * small, f"{small} → {large} KiB"
    assert answer_seconds(client) < _QUICKER * quick, "as before, once they have gone"


def test_a_search_through_much_holds_up_no_other_answer(recon: Recon) -> None:
    recon.app("web", ["sleep", "100000"])
    recon.run()
    recon.healthy("web")
    log = recon.state / "logs/web/0.out.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    line = "2026-11-24T03:15:01.000Z " + "x" * 75 + "\n"
    log.write_text(line * 2_000_000)
    client = Client(StatePaths(recon.state.resolve()).socket)
    quick = answer_seconds(client)
    found: list[list[str]] = []

    def search() -> None:
        found.append([one["stream"] for one in client.logs("web", search="absent")])

    searches = [threading.Thread(target=search) for _ in range(4)]
    for one in searches:
        one.start()
    slow = answer_seconds(client)
    for one in searches:
        one.join()
    print(f"answers {quick * 1e3:.2f} → {slow * 1e3:.2f} ms")
    assert slow < _QUICKER * quick
    # Each ends in time: all was looked at, or a notice says where to go on.
    assert all(streams in ([], ["notice"]) for streams in found) and len(found) == 4
