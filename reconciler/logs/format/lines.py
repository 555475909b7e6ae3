"""Raw output becomes the lines of a log: with the time before each, or as JSON objects.

Pure: what is written follows from the bytes and a few constants of the chunk (``Style``), so that a
chunk during which a controller was killed is written by the next controller as it would have been.

A log that takes one stream of one instance has even the longest line as one line, written piece
by piece as it comes. Where several write to one file, and as JSON, a line longer than 1 MiB is
cut instead, so that no line of one ever stands within a line of another.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from json.encoder import encode_basestring  # the one in C
from typing import Literal

from reconciler.model.host.fifo import FifoName
from reconciler.model.spec.logs import Logs

MAX_CARRY = 2**20
"""A line that is longer does not wait for its end any more."""
LONGEST = 4096
"""Bytes of a line that the pattern of a ``log`` probe is tried on."""

Style = Literal["", "cut", "json"]
"""Text in a log of its own; text in a log of several; one JSON object a line."""


@dataclass(frozen=True, slots=True)
class Carry:
    """What a stream has said since its last newline."""

    text: bytes = b""
    midline: bool = False
    """The line is so long that its beginning is in the log already."""

    def __bool__(self) -> bool:
        return bool(self.text) or self.midline

    def ended(self) -> Carry:
        """The same with the newline that will never come by itself."""
        return Carry(self.text + b"\n", self.midline) if self else self


NO_CARRY = Carry()


def style_of(logs: Logs) -> Style:
    if logs.format == "json":
        return "json"
    return "" if logs.is_apart else "cut"


def head(logs: Logs, name: FifoName, now: float) -> str:
    """What stands before each line of a chunk (of JSON: before the message)."""
    if logs.format == "json":
        return _json_head(logs, name, now)
    if logs.timestamps is True:
        return stamp(now)
    return f"{_formatted(logs.timestamps, now)} " if logs.timestamps else ""


def stamp(now: float) -> str:
    """The time as written before a line: ``2026-11-24T03:15:30.123Z `` (UTC)."""
    return f"{_utc(now)} "


def render(data: bytes, before: bytes, midline: bool, style: Style = "") -> tuple[bytes, Carry]:
    """What goes into the log now, and what has to wait for its newline."""
    if style:
        return _cut(data, midline, _as_json if style == "json" else _as_text, before)
    end = data.rfind(b"\n")
    start = b"" if midline else before
    if end >= 0:
        lines = data[:end].replace(b"\n", b"\n" + before) if before else data[:end]
        return b"".join((start, lines, b"\n")), Carry(data[end + 1 :])
    if len(data) <= MAX_CARRY:
        return b"", Carry(data, midline)
    return start + data, Carry(b"", midline=True)


def whole_lines(data: bytes, midline: bool) -> bytes:
    """What ``render`` completes of ``data``, as the program wrote it: whole lines, each with its
    newline. A line that is too long to wait for its end counts once, by its beginning."""
    start = data.find(b"\n") + 1 if midline else 0
    end = data.rfind(b"\n") + 1
    if end > start:
        return data[start:end]
    is_piece = len(data) > MAX_CARRY and not midline and not end
    return data[:LONGEST] + b"\n" if is_piece else b""


Encode = Callable[[bytes, bytes, bool], bytes]
"""Lines less the last newline, what stands before each, and whether the (only) one is a piece."""


def _cut(data: bytes, midline: bool, encode: Encode, before: bytes) -> tuple[bytes, Carry]:
    if midline and data[:1] == b"\n":  # the end of a line that is written to its last piece
        data, midline = data[1:], False
    end = data.rfind(b"\n")
    if end >= 0:
        return encode(data[:end], before, False), Carry(data[end + 1 :])
    if len(data) <= MAX_CARRY:
        return b"", Carry(data, midline)
    return encode(data, before, True), Carry(b"", midline=True)


def _as_text(lines: bytes, before: bytes, _: bool) -> bytes:
    return b"".join((before, lines.replace(b"\n", b"\n" + before) if before else lines, b"\n"))


def _as_json(lines: bytes, before: bytes, is_piece: bool) -> bytes:
    end = b',"partial":true}\n' if is_piece else b"}\n"
    try:
        encoded = map(encode_basestring, lines.decode().split("\n"))
        head, between = before + b'"message":', end + before + b'"message":'
        return b"".join((head, between.decode().join(encoded).encode(), end))
    except UnicodeDecodeError:
        whole = (before + _message(line) + end for line in lines.split(b"\n"))
        return b"".join(whole)


def _message(line: bytes) -> bytes:
    try:
        return b'"message":' + encode_basestring(line.decode()).encode()
    except UnicodeDecodeError:
        return b'"base64":"' + base64.b64encode(line) + b'"'


def _json_head(logs: Logs, name: FifoName, now: float) -> str:
    known: dict[str, str | int] = {}
    if logs.timestamps:
        written = logs.timestamps
        known["time"] = _utc(now) if written is True else _formatted(written, now)
    known |= {"app": name.app, "instance": name.instance, "stream": f"std{name.stream}"}
    return json.dumps(known, separators=(",", ":"))[:-1] + ","


def _utc(now: float) -> str:
    return f"{datetime.fromtimestamp(now, UTC):%Y-%m-%dT%H:%M:%S}.{int(now * 1000) % 1000:03}Z"


def _formatted(form: bool | str, now: float) -> str:
    """In local time, as strftime(1) and PM2 have it."""
    return datetime.fromtimestamp(now, UTC).astimezone(None).strftime(str(form))
