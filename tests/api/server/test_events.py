"""The stream of events, over a real socket: what is sent, resumed, filtered, and cut off."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from reconciler.api.server import events as events_module
from reconciler.api.server.access import Access
from reconciler.api.server.guests import MOST
from reconciler.api.server.routes import application
from reconciler.api.server.server import Server, listen
from reconciler.model.state.event import EndDetails, Event
from reconciler.state.history import History
from reconciler.state.journal.journal import Journal
from tests.otheruser import as_user

STREAM = "text/event-stream"


class Timeline:
    """A history behind a server."""

    def __init__(self, path: Path) -> None:
        self.path = path / "s"
        self.journal = Journal(path / "db", "boot")
        self.history = History(self.journal, asyncio.get_running_loop(), lambda name: None)
        self.open: list[asyncio.StreamWriter] = []

    def record(self, *numbers: int, app: str = "web", **more: Any) -> None:
        """Events, each with its number as message; no flood is held back."""
        for number in numbers:
            self.history._publish(Event(app, "Started", str(number), **more))

    @property
    def followers(self) -> int:
        return len(self.history._listeners)

    async def until(self, condition: Callable[[], object]) -> None:
        while not condition():
            await asyncio.sleep(0.002)

    async def connect(
        self, query: str = "", accept: str = STREAM, last: str = "", limit: int = 2**16
    ) -> tuple[str, Client]:
        """The head of the answer, and the client that reads the rest."""
        reader, writer = await asyncio.open_unix_connection(str(self.path), limit=limit)
        self.open.append(writer)
        head = f"GET /v1/events{query} HTTP/1.1\r\nHost: r\r\nAccept: {accept}\r\n"
        head += f"Last-Event-ID: {last}\r\n" if last else ""
        writer.write(f"{head}\r\n".encode())
        answer = (await reader.readuntil(b"\r\n\r\n")).decode()
        return answer, Client(reader, writer)


class Client:
    """Reads the fields of a stream, or lines of JSON."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.id = ""
        """The last id that was sent."""

    async def next(self) -> dict[str, Any]:
        """The next event; EOFError where there are no more."""
        while line := await self._reader.readline():
            text = line.decode().strip()
            if text.startswith("id: "):
                self.id = text[4:]
            text = text.removeprefix("data: ")
            if text.startswith("{"):
                document: dict[str, Any] = json.loads(text)
                return document
        raise EOFError

    async def rest(self) -> list[dict[str, Any]]:
        """All that is sent until the server ends the answer."""
        found = []
        while True:
            try:
                found.append(await self.next())
            except (EOFError, ConnectionError):
                return found

    async def messages(self, count: int) -> list[str]:
        return [(await self.next())["message"] for _ in range(count)]

    def leave(self) -> None:
        self._writer.transport.abort()


class _Controller:
    def __init__(self, history: History) -> None:
        self.history = history


@asynccontextmanager
async def serving(path: Path, group: int | None = None) -> AsyncIterator[Timeline]:
    timeline = Timeline(path)
    controller: Any = _Controller(timeline.history)
    server = Server(application(controller), Access(group))
    task = asyncio.create_task(server.serve(listen(timeline.path, group)))
    try:
        yield timeline
    finally:
        for writer in timeline.open:
            writer.transport.abort()
        server.leave()
        await task
        timeline.history.close()


def run(path: Path, body: Callable[[Timeline], Awaitable[None]]) -> None:
    """``body`` beside a server, with a deadline."""

    async def main() -> None:
        async with asyncio.timeout(60), serving(path) as timeline:
            await body(timeline)

    asyncio.run(main())


def test_past_and_coming_events_are_sent_each_once_and_in_order(tmp_path: Path) -> None:
    async def body(timeline: Timeline) -> None:
        timeline.record(*range(450))
        head, client = await timeline.connect("?limit=420")
        assert "text/event-stream" in head and "no-store" in head
        assert await client.messages(420) == [*map(str, range(30, 450))]
        timeline.record(450, 451)
        event = await client.next()
        assert event["message"] == "450" and event["id"] == client.id
        assert await client.messages(1) == ["451"]

    run(tmp_path, body)


def test_without_a_stream_it_is_json_a_line_and_ends(tmp_path: Path) -> None:
    async def body(timeline: Timeline) -> None:
        timeline.record(1, 2, 3)
        head, client = await timeline.connect("?limit=2", accept="*/*")
        assert "application/x-ndjson" in head
        assert [one["message"] for one in await client.rest()] == ["2", "3"]
        assert timeline.followers == 0

    run(tmp_path, body)


@pytest.mark.parametrize("by", ["header", "query"])
def test_a_client_that_comes_back_gets_what_it_missed(tmp_path: Path, by: str) -> None:
    async def body(timeline: Timeline) -> None:
        timeline.record(1, 2)
        _, client = await timeline.connect()
        assert await client.messages(2) == ["1", "2"]
        client.leave()
        await timeline.until(lambda: timeline.followers == 0)
        timeline.record(3, 4)
        query = f"?after={client.id}" if by == "query" else ""
        _, client = await timeline.connect(query, last=client.id if by == "header" else "")
        timeline.record(5)
        assert await client.messages(3) == ["3", "4", "5"]

    run(tmp_path, body)


def test_a_client_is_told_that_the_journal_lacks_what_it_missed(tmp_path: Path) -> None:
    async def body(timeline: Timeline) -> None:
        timeline.record(1)
        _, client = await timeline.connect(last="500-1000000")
        lost = await client.next()
        assert lost["reason"] == "EventsLost" and lost["id"] is None and client.id == ""
        assert "no longer in the journal; it begins at 20" in lost["message"]
        assert await client.messages(1) == ["1"]

    run(tmp_path, body)


def test_filters_hold_for_what_is_past_and_what_comes(tmp_path: Path) -> None:
    async def body(timeline: Timeline) -> None:
        def record() -> None:
            timeline.record(1, app="web")
            timeline.record(2, app="db", type="Warning")
            timeline.record(3, app="web", type="Warning")
            timeline.record(4, app="web", type="Warning", end=EndDetails(code=1))

        record()
        query = "?app=web&app=x&type=warning&reason=Started&since=1000"
        _, client = await timeline.connect(query)
        assert await client.messages(2) == ["3", "4"]
        record()
        assert await client.messages(2) == ["3", "4"]

    run(tmp_path, body)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("?limit=x", "limit must be a whole number"),
        ("?type=Error", "type must be Normal or Warning"),
        ("?since=yesterday", "since must be a time"),
        ("?since=%s" % ("9" * 30), "since must be a time"),
        ("?after=x-y", "is not the id of an event"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, query: str, message: str) -> None:
    async def body(timeline: Timeline) -> None:
        head, client = await timeline.connect(query)
        assert head.startswith("HTTP/1.1 400")
        assert message in (await client.next())["error"]

    run(tmp_path, body)


def test_an_event_is_sent_when_all_is_known_of_it(tmp_path: Path) -> None:
    async def body(timeline: Timeline) -> None:
        _, client = await timeline.connect()
        await timeline.until(lambda: timeline.followers == 1)
        end = EndDetails(signal="SIGSEGV")
        recorded = timeline.history.admit(Event("web", "Exited", "x", "Warning", end=end))
        assert recorded is not None
        timeline.history.begin_completing(recorded)
        timeline.record(2)
        first = asyncio.ensure_future(client.next())
        await asyncio.sleep(0)
        timeline.history.complete(recorded, EndDetails(signal="SIGSEGV", core="/core"))
        assert (await first)["exit"]["core"] == "/core"
        assert await client.messages(1) == ["2"]
        assert timeline.history.events()[0].event.end == EndDetails(signal="SIGSEGV", core="/core")

    run(tmp_path, body)


def test_what_is_never_known_holds_an_event_up_for_a_moment_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.state.history._COMPLETE", 0.01)

    async def body(timeline: Timeline) -> None:
        _, client = await timeline.connect()
        await timeline.until(lambda: timeline.followers == 1)
        recorded = timeline.history.admit(Event("web", "Exited", "x", end=EndDetails(code=1)))
        assert recorded is not None
        timeline.history.begin_completing(recorded)
        assert (await client.next())["exit"]["code"] == 1

    run(tmp_path, body)


def test_a_stream_that_falls_behind_ends_with_a_word_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "UNREAD", 3)

    async def body(timeline: Timeline) -> None:
        _, client = await timeline.connect()
        await timeline.until(lambda: timeline.followers == 1)
        timeline.record(*range(10))  # before the loop has its turn
        found = await client.rest()
        assert [one["message"] for one in found[:-1]] == ["0", "1", "2"]
        assert found[-1]["reason"] == "EventsLeftOut" and found[-1]["id"] is None
        assert "connect again with Last-Event-ID" in found[-1]["message"]
        assert timeline.followers == 0
        _, client = await timeline.connect(last=client.id)
        assert await client.messages(7) == [*map(str, range(3, 10))]

    run(tmp_path, body)


def test_lines_that_fall_behind_go_on_and_tell_how_many_are_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "UNREAD", 3)

    async def body(timeline: Timeline) -> None:
        _, client = await timeline.connect("?follow=1", accept="*/*")
        await timeline.until(lambda: timeline.followers == 1)
        timeline.record(*range(10))
        assert await client.messages(3) == ["0", "1", "2"]
        assert (await client.next())["message"].startswith("7 events are missing here")
        timeline.record(10)
        assert await client.messages(1) == ["10"]

    run(tmp_path, body)


def test_a_client_that_never_reads_is_cut_off_and_costs_a_bounded_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_module, "UNREAD", 50)
    monkeypatch.setattr(events_module, "PATIENCE", 0.05)

    async def body(timeline: Timeline) -> None:
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        peer.connect(str(timeline.path))
        peer.sendall(f"GET /v1/events HTTP/1.1\r\nHost: r\r\nAccept: {STREAM}\r\n\r\n".encode())
        await timeline.until(lambda: timeline.followers == 1)
        (listener,) = timeline.history._listeners
        follower: Any = listener.__self__  # type: ignore[attr-defined]  # a bound method
        most = 0
        while timeline.followers:  # 100 KiB a time, until the kernel takes no more
            timeline.record(*range(10), end=EndDetails(stderr=("x" * 10_000,)))
            most = max(most, len(follower._waiting))
            await asyncio.sleep(0)
        assert most == 50
        assert len(timeline.open) == 0
        peer.close()

    run(tmp_path, body)


def test_of_a_client_that_leaves_nothing_stays(tmp_path: Path) -> None:
    async def body(timeline: Timeline) -> None:
        for query in ("", "?limit=0"):
            for accept in (STREAM, "*/*"):
                _, client = await timeline.connect(f"{query or '?'}&follow=1", accept=accept)
                await timeline.until(lambda: timeline.followers == 1)
                client.leave()
                await timeline.until(lambda: timeline.followers == 0)

    run(tmp_path, body)


def test_fifty_clients_each_get_everything(tmp_path: Path) -> None:
    async def body(timeline: Timeline) -> None:
        clients = [(await timeline.connect())[1] for _ in range(50)]
        await timeline.until(lambda: timeline.followers == 50)
        for number in range(0, 200, 10):
            timeline.record(*range(number, number + 10))
            await asyncio.sleep(0)
        for messages in await asyncio.gather(*(one.messages(200) for one in clients)):
            assert messages == [*map(str, range(200))]

    run(tmp_path, body)


def _open_streams(path: Path, count: int) -> str:
    """The first lines of so many answers, while all connections stay open."""
    peers = [socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) for _ in range(count)]
    heads = []
    for peer in peers:
        peer.settimeout(60)
        peer.connect(str(path))
        peer.sendall(f"GET /v1/events HTTP/1.1\r\nHost: r\r\nAccept: {STREAM}\r\n\r\n".encode())
        heads.append(peer.recv(64).decode().partition("\r\n")[0])
    for peer in peers:
        peer.close()
    return "\n".join(heads)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")
def test_a_member_of_the_group_may_follow_as_often_as_a_guest_may_connect() -> None:
    async def body(timeline: Timeline) -> None:
        for _ in range(2):  # those that left make room for others
            heads = await asyncio.to_thread(
                as_user, lambda: _open_streams(timeline.path, MOST + 1), 54321, [4242]
            )
            assert heads.splitlines() == ["HTTP/1.1 200 "] * MOST + [
                "HTTP/1.1 429 Too Many Requests"
            ]
            await timeline.until(lambda: timeline.followers == 0)

    async def main(path: Path) -> None:
        async with asyncio.timeout(60), serving(path, 4242) as timeline:
            await body(timeline)

    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        asyncio.run(main(Path(name)))
