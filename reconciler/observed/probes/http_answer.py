"""The answer to a GET of a probe: h11 reads it, bounds in bytes and events keep it small.

The other side is any program, perhaps a hostile one. Time is bounded by the caller.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Protocol

import h11

_BLOCK = 2**14
_HEAD = 2**15
"""Bytes until the verdict: status lines and headers. The shortest headers there are, that many
bytes of them, take h11 21 ms; a usual answer takes it 60 µs."""
_INTERIM = 20
"""1xx answers before the real one (Go's client takes 5)."""
_BODY = 10 * 1024
"""Bytes of a body read before hanging up (the kubelet's number)."""
_PIECES = 200
"""And pieces of it: a chunk may hold one byte."""
_BODY_SECONDS = 0.25
"""And no longer than this: the verdict is in, and a stream of events never ends."""
_START = b"HTTP/1."
_GET = h11.Request(method="GET", target="/", headers=[("Host", "recon")])
"""All that h11 must know of a request to read its answer."""


class Source(Protocol):
    """Where the answer comes from."""

    async def read(self, most: int, /) -> bytes:
        """Up to ``most`` bytes that came; empty where no more will come."""
        ...


class BadAnswerError(ValueError):
    """What answered does not speak HTTP: a sentence."""


async def read_answer(reader: Source) -> h11.Response:
    """The answer, with what comes at once of its body taken. BadAnswerError, EOFError, OSError."""
    http = h11.Connection(h11.CLIENT, max_incomplete_event_size=_HEAD)
    http.send(_GET)
    try:
        response = await _head(reader, http)
    except h11.RemoteProtocolError as error:
        raise BadAnswerError(str(error)[:100]) from None
    await _take_body(reader, http)
    return response


async def _head(reader: Source, http: h11.Connection) -> h11.Response:
    """The status and the headers; 1xx answers are passed over (RFC 9110, 15.2)."""
    start, left, interim = b"", _HEAD, 0
    while not isinstance(event := http.next_event(), h11.Response):
        if event is h11.NEED_DATA:
            if left <= 0:
                raise BadAnswerError(f"its headers are longer than {_HEAD // 1024} KiB")
            data = await reader.read(min(_BLOCK, left))
            left -= len(data)
            start = _checked_start(start + data[:40])
            if not data:
                raise EOFError
            http.receive_data(data)
        else:
            interim += 1
            if interim > _INTERIM:
                raise BadAnswerError(f"more than {_INTERIM} answers with a status below 200")
    return event


def _checked_start(start: bytes) -> bytes:
    """The first bytes; BadAnswerError where they are no HTTP, without waiting for a whole line."""
    if start[: len(_START)] != _START[: len(start)]:
        raise BadAnswerError(f"it begins with {start[:40]!r}")
    return start[: len(_START)]


async def _take_body(reader: Source, http: h11.Connection) -> None:
    """Take what is being sent, within bounds: hanging up on it would show as an error there."""
    left = _BODY
    with contextlib.suppress(OSError, h11.RemoteProtocolError):
        async with asyncio.timeout(_BODY_SECONDS):
            for _ in range(_PIECES):
                event = http.next_event()
                if isinstance(event, h11.EndOfMessage) or left <= 0:
                    return
                if event is h11.NEED_DATA:
                    data = await reader.read(min(_BLOCK, left))
                    if not data:
                        return
                    left -= len(data)
                    http.receive_data(data)
