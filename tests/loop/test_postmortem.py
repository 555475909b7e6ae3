"""What is found out about an end: at once, and by a thread."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from reconciler.loop import postmortem
from reconciler.loop.postmortem import PostMortem
from reconciler.model.state.event import EndDetails, Event
from reconciler.model.state.observed import Exit, Process, ProcessId, Tag
from reconciler.observed.processes import corefile
from reconciler.state import history
from reconciler.state.history import History
from reconciler.state.journal.journal import Journal
from tests.diff.simhost import app_of

SPEC = app_of().spec
PROCESS = Process(Tag("store", "web", 0, "hash", "nonce"), ProcessId(7, 1), 0.0)
ENDED_AT = 1.25
IN_USE = b"OSError: [Errno 98] Address already in use: ('127.0.0.1', %d)\n"


class Autopsy:
    """A post-mortem on a loop of its own."""

    def __init__(self, folder: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.history = History(Journal(folder / "db", "boot"), self.loop, lambda name: None)
        self.wrote = b""
        redact: Any = lambda text: text.replace("s3cret", "***")  # noqa: E731
        self.made = PostMortem(
            self.loop,
            self.history,
            redact,
            last_errors=lambda nonce: self.wrote,
            processes=lambda: (),
        )

    def details(self, exit: Exit, wrote: bytes = b"", *, expected: bool = False) -> EndDetails:
        self.wrote = wrote
        return self.made.details(PROCESS, exit, SPEC, ENDED_AT, expected=expected)

    def look(self, end: EndDetails) -> EndDetails | None:
        """What the event says when all is known."""
        recorded = self.history.admit(Event("web", "Exited", "x", "Warning", 0, end))
        assert recorded is not None
        self.made.look(recorded, PROCESS, SPEC)
        done = self.loop.run_until_complete(self.history.completed(recorded))
        assert self.history.events()[-1].event.end == done.event.end
        return done.event.end

    def close(self) -> None:
        self.history.close()
        self.loop.close()


@pytest.fixture
def autopsy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Autopsy]:
    monkeypatch.setattr(history, "_COMPLETE", 60.0)  # a thread begins late on a host that is busy
    made = Autopsy(tmp_path)
    yield made
    made.close()


def test_code_signal_and_the_last_lines_are_known_at_once(autopsy: Autopsy) -> None:
    end = autopsy.details(Exit(code=3), b"first\n\npassword s3cret\x1b[31m!\n")
    assert (end.code, end.signal, end.stderr) == (3, "", ("first", "password ***!"))
    end = autopsy.details(Exit(signal=11))
    assert (end.code, end.signal, end.stderr) == (None, "SIGSEGV", ())
    assert end.uptime is not None and end.uptime > 0


def test_of_what_was_stopped_or_succeeded_no_lines_are_told(autopsy: Autopsy) -> None:
    assert autopsy.details(Exit(code=0), b"a line\n").stderr == ()
    assert autopsy.details(Exit(signal=15), b"a line\n", expected=True).stderr == ()


@pytest.mark.parametrize(
    "wrote",
    [b"x" * 4096, b"\xff\x00" * 2048, "日本".encode() * 600 + b"\n", b"y\n" * 2048],
    ids=["one long line", "no text", "wide", "many lines"],
)
def test_whatever_was_written_the_event_is_small(autopsy: Autopsy, wrote: bytes) -> None:
    end = autopsy.details(Exit(code=1), wrote)
    assert len(end.stderr) <= 10
    assert all(len(line) <= 160 and line.isprintable() for line in end.stderr)


def test_who_has_the_port_is_found_by_a_thread(autopsy: Autopsy) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        end = autopsy.details(Exit(code=1), IN_USE % port)
        assert (end.port, end.holder) == (port, "")
        found = autopsy.look(end)
    assert found is not None and found.port == port and found.holder.startswith("pid ")


def test_a_core_file_is_waited_for_a_moment(
    autopsy: Autopsy, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["", "", "/core.7"])
    monkeypatch.setattr(postmortem, "_GAP", 0.001)
    monkeypatch.setattr(corefile, "find", lambda *given: next(answers))
    found = autopsy.look(EndDetails(signal="SIGSEGV"))
    assert found is not None and found.core == "/core.7"


def test_where_there_is_none_the_event_stays_as_it_was(
    autopsy: Autopsy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postmortem, "_GAP", 0.001)
    monkeypatch.setattr(corefile, "find", lambda *given: "")
    assert autopsy.look(EndDetails(signal="SIGABRT")) == EndDetails(signal="SIGABRT")


def test_for_ends_that_need_no_look_there_is_no_thread(
    autopsy: Autopsy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: object, **named: object) -> None:
        raise AssertionError("no thread is needed")

    monkeypatch.setattr("reconciler.system.work.threads.start", refuse)
    for end in (EndDetails(code=1), EndDetails(signal="SIGKILL"), EndDetails(signal="SIGTERM")):
        assert autopsy.look(end) == end


def test_few_look_at_a_time_and_those_that_hang_hold_nobody_up(
    autopsy: Autopsy, monkeypatch: pytest.MonkeyPatch
) -> None:
    release = threading.Event()
    calls = []

    def hang(*given: object) -> str:
        calls.append(given)
        assert release.wait(60)
        return ""

    monkeypatch.setattr(postmortem, "_TRIES", 1)
    monkeypatch.setattr(corefile, "find", hang)
    monkeypatch.setattr("reconciler.state.history._COMPLETE", 0.001)
    end = EndDetails(signal="SIGSEGV")
    try:
        for _ in range(5):
            assert autopsy.look(end) == end
        assert len(autopsy.history._incomplete) == 2 and len(calls) <= 2
    finally:
        release.set()

    async def over() -> None:
        while autopsy.history._incomplete:
            await asyncio.sleep(0.001)

    autopsy.loop.run_until_complete(asyncio.wait_for(over(), 60))


def test_where_no_thread_can_be_had_the_event_is_told_as_it_is(
    autopsy: Autopsy, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: object, **named: object) -> Callable[[], None]:
        raise OSError("no more threads")

    monkeypatch.setattr("reconciler.system.work.threads.start", refuse)
    end = replace(EndDetails(), signal="SIGSEGV")
    assert autopsy.look(end) == end
