"""A load that counts every request which did not get a full 200 answer.

Clients run in a thread with a loop of its own, so that a test can replace servers meanwhile::

    with Load(port=3000, clients=20, keep_alive=True) as load:
        ...
    assert not load.failures

A kept connection that the server has closed before the next request is written is no failure;
one that is closed after that is, as is a refused connection, another status, a short body.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType

from tests.waiting import until

_TIMEOUT = 60.0
"""A request without an answer for so long has failed."""

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


class Failed(Exception):
    """A request without a full 200 answer."""


@dataclass
class Load:
    """Requests, one after the other on each of ``clients``, from ``with`` to the end of it."""

    port: int = 0
    host: str = "127.0.0.1"
    path: str = ""
    """A unix socket, in place of host and port."""
    url: str = "/"
    clients: int = 10
    keep_alive: bool = True
    pause: float = 0.0
    """Seconds between a client's requests."""
    ok: int = 0
    failures: list[str] = field(default_factory=list)
    answers: Counter[bytes] = field(default_factory=Counter)
    """How often each body came: servers that answer with their pid are counted apart."""
    _ending: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Load:
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        return self

    def until_answered(self, word: bytes = b"") -> None:
        """Until there were a hundred answers, and one with this word in it."""

        def answered() -> bool:
            return self.ok > 100 and any(word in body for body in [*self.answers])

        until(answered, what=f"a hundred answers, and one of {word!r}")

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        if self._thread is not None:
            self._thread.join()

    async def _run(self) -> None:
        await asyncio.gather(*(self._client() for _ in range(self.clients)))

    async def _client(self) -> None:
        streams: Streams | None = None
        while not self._ending.is_set():
            try:
                if streams is None or streams[0].at_eof():
                    await _close(streams)
                    streams = None  # a failure to connect must not close it twice
                    streams = await asyncio.wait_for(self._connect(), _TIMEOUT)
                body, kept = await asyncio.wait_for(self._ask(*streams), _TIMEOUT)
            except (OSError, EOFError, TimeoutError, ValueError, Failed) as error:
                self.failures.append(f"{type(error).__name__}: {error}")
                kept = False
            else:
                self.ok += 1
                self.answers[body] += 1
            if not kept:
                await _close(streams)
                streams = None
            if self.pause:
                await asyncio.sleep(self.pause)
        await _close(streams)

    async def _connect(self) -> Streams:
        if self.path:
            return await asyncio.open_unix_connection(self.path)
        return await asyncio.open_connection(self.host, self.port)

    async def _ask(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[bytes, bool]:
        """One request: the body, and whether the connection may carry another."""
        kept = "keep-alive" if self.keep_alive else "close"
        head = f"GET {self.url} HTTP/1.1\r\nHost: {self.host}\r\nConnection: {kept}\r\n\r\n"
        writer.write(head.encode())
        status, *lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
        headers = dict(line.split(b": ", 1) for line in lines if line)
        body = await _body(reader, headers)
        if b" 200 " not in status:
            raise Failed(status.decode("latin-1"))
        return body, self.keep_alive and headers.get(b"connection") != b"close"


async def _body(reader: asyncio.StreamReader, headers: dict[bytes, bytes]) -> bytes:
    if b"content-length" in headers:
        return await reader.readexactly(int(headers[b"content-length"]))
    if headers.get(b"transfer-encoding") != b"chunked":
        return await reader.read()
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body


async def _close(streams: Streams | None) -> None:
    if streams is None:
        return
    streams[1].close()
    try:
        await streams[1].wait_closed()
    except (OSError, EOFError):
        pass  # the other side was quicker
