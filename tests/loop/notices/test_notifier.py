"""The process that sends, seen from the loop: it may write anything, or do nothing."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from reconciler.loop.notices import notifier as module
from reconciler.loop.notices.notifier import NotifierProcess


class Seen:
    """A process on a loop of its own, and what it was heard of."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.lines: list[dict[str, Any]] = []
        self.starts = 0
        self.ends: list[str] = []
        self.process = NotifierProcess(
            self.loop, on_line=self.lines.append, on_start=self._start, on_end=self._end
        )

    def _start(self) -> None:
        self.starts += 1

    def _end(self, why: str, wait: float) -> None:
        self.ends.append(why)

    def run(self, seconds: float = 0.05) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))


@pytest.fixture
def seen() -> Iterator[Seen]:
    made = Seen()
    yield made
    made.process.close()
    made.run()
    made.loop.close()


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The other end, in the place of a notifier."""
    near, far = socket.socketpair()
    near.setblocking(False)
    idle = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    pidfd = os.pidfd_open(idle.pid)
    monkeypatch.setattr(module, "_start", lambda: (near, idle.pid, pidfd))
    yield far
    far.close()
    idle.kill()
    idle.wait()


def test_lines_are_heard_however_they_are_cut(seen: Seen, far: socket.socket) -> None:
    seen.process.ensure()
    for piece in (b'{"id": "a"}\n{"id"', b': "b"', b"}\n"):
        far.sendall(piece)
        seen.run(0.02)
    assert [line["id"] for line in seen.lines] == ["a", "b"]


@pytest.mark.parametrize(
    "text", [b"nonsense\n", b"{\n", b"x" * (1 << 19)], ids=["words", "brace", "long"]
)
def test_one_that_writes_nonsense_is_replaced(seen: Seen, far: socket.socket, text: bytes) -> None:
    seen.process.ensure()
    far.setblocking(False)
    while text and not seen.ends:
        try:
            text = text[far.send(text) :]
        except OSError:
            pass
        seen.run(0.001)
    seen.run()
    assert seen.ends == ["what it wrote cannot be read"] and not seen.process.is_running


def test_one_that_reads_nothing_holds_nothing_up(seen: Seen, far: socket.socket) -> None:
    seen.process.ensure()
    for _ in range(50):
        seen.process.send({"do": "send", "message": {"text": "x" * 60_000}})
    seen.run()
    assert seen.process.is_running


def test_nothing_is_sent_to_one_that_does_not_run(seen: Seen) -> None:
    seen.process.send({"do": "send"})
    seen.process.restart("for a test")
    assert seen.starts == 0 and seen.ends == []


def test_the_controller_loads_nothing_that_sends() -> None:
    heavy = ("apprise", "requests", "urllib.request", "reconciler.notify.deliver", "smtplib")
    code = (
        "import sys, reconciler.api.daemon.controller\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
