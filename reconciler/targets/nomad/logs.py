"""The output of instances: ``/v1/client/fs/logs``, which Nomad sends in frames.

Nomad keeps no times with the output: a line has the time at which it was read while it is followed,
and none else.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from reconciler.targets.engine import EngineError, Line
from reconciler.targets.nomad.answers import File, read
from reconciler.targets.nomad.client import Client, quoted

STREAMS = ("stdout", "stderr")
_OF_LINE, _LEAST, _MOST = 256, 2**16, 2**23
"""Bytes that are read from the end: for each line that is wanted, at least and at most."""
_LONGEST = 2**20
"""Bytes of a line; a longer one is cut in pieces."""
_FRAME = 2**22
"""Bytes of text that one frame may have: Nomad sends 64 KiB, in base64."""


class Source(NamedTuple):
    """One stream of one instance."""

    allocation: str
    instance: str
    task: str
    stream: str


def lines(client: Client, source: Source, count: int | None, *, follow: bool) -> Iterator[Line]:
    """The last ``count`` lines, or all; then, with ``follow``, what comes."""
    size = _size(client, source) if follow else 0
    before = size if count is None else max(_LEAST, min(_MOST, count * _OF_LINE))
    query: dict[str, str | int | bool] = {
        "task": source.task,
        "type": source.stream,
        "follow": follow,
        "origin": "start" if count is None else "end",
        "offset": 0 if count is None else before,
    }
    path = f"/v1/client/fs/logs/{quoted(source.allocation)}"
    chunks = frames(client.stream(path, query))
    if not follow:
        last = _split(chunks) if count is None else deque(_split(chunks), maxlen=count)
        yield from (_line(source, text, None) for text in last)
        return
    backlog = min(before, size)
    yield from _followed(source, chunks, backlog, count)


def shared(streams: Sequence[Sequence[Line]], count: int | None) -> list[Line]:
    """The last lines of each stream, ``count`` in all: as many of each, as far as it has them."""
    left = sum(map(len, streams)) if count is None else count
    kept: dict[int, int] = {}
    by_length = sorted(range(len(streams)), key=lambda number: len(streams[number]))
    for place, number in enumerate(by_length):
        kept[number] = min(len(streams[number]), left // (len(by_length) - place))
        left -= kept[number]
    return [
        one for number, stream in enumerate(streams) for one in stream[len(stream) - kept[number] :]
    ]


def _followed(
    source: Source, chunks: Iterator[bytes], backlog: int, count: int | None
) -> Iterator[Line]:
    """``backlog``: bytes that were there before, of which the last ``count`` lines are shown."""
    old = bytearray()
    for chunk in chunks:
        old += chunk
        if len(old) >= backlog:
            break
    texts, rest = old[:backlog].split(b"\n"), bytes(old[backlog:])
    rest = bytes(texts.pop()) + rest if texts else rest
    texts = texts[max(0, len(texts) - count) :] if count is not None else texts
    yield from (_line(source, bytes(text), None) for text in texts)
    while True:
        *whole, rest = rest.split(b"\n")
        yield from (_line(source, text, time.time()) for text in whole)
        if len(rest) > _LONGEST:
            yield _line(source, rest, time.time())
            rest = b""
        try:
            rest += next(chunks)
        except StopIteration:
            break
    if rest:
        yield _line(source, rest, time.time())


def _split(chunks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for chunk in chunks:
        *texts, rest = (rest + chunk).split(b"\n")
        yield from texts
        if len(rest) > _LONGEST:
            yield rest
            rest = b""
    if rest:
        yield rest


def _line(source: Source, text: bytes, at: float | None) -> Line:
    is_error = source.stream == "stderr"
    return Line(source.instance, at, text.decode("utf-8", "replace").rstrip("\r"), is_error)


def frames(parts: Iterator[bytes]) -> Iterator[bytes]:
    """The data of frames: JSON objects one behind the other; an empty one says that all is well."""
    decoder, text = json.JSONDecoder(), ""
    for part in parts:
        text += part.decode("ascii", "replace")
        while text := text.lstrip():
            try:
                frame, end = decoder.raw_decode(text)
            except (ValueError, RecursionError):
                if len(text) > _FRAME or text[0] != "{":
                    raise _damaged() from None
                break
            text = text[end:]
            yield from _data(frame)
    if text.strip():
        raise _damaged()


def _data(frame: Any) -> Iterator[bytes]:
    data = frame.get("Data") if isinstance(frame, dict) else 0
    if data is None or data == "":
        return
    if not isinstance(data, str):
        raise _damaged()
    try:
        yield base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise _damaged() from None


def _damaged() -> EngineError:
    return EngineError("Nomad's answer is damaged: the output of an instance; try again")


def _size(client: Client, source: Source) -> int:
    """Bytes that the client of Nomad keeps of the stream, all its files together."""
    path = f"/v1/client/fs/ls/{quoted(source.allocation)}"
    body = client.get(path, {"path": "alloc/logs/"})
    files = read(list[File], body, "the files of the output")
    start = f"{source.task}.{source.stream}."
    return sum(one.size for one in files if one.name.startswith(start))
