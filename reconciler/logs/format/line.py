"""One line of a log: when it was written, by which instance, and its text.

Told line by line, since a log may hold lines from before its format was changed.
"""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from reconciler.logs.format import timestamp
from reconciler.model.host.fifo import Stream

_STAMP = re.compile(rb"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ")
_JSON = (b'{"time":"', b'{"app":"')
_HEAD = re.compile(
    rb'\{(?:"time":"([^"]*)",|())"app":"[^"]*","instance":(\d{1,9}),"stream":"(std(?:out|err))","message":"'
)
_STREAMS: dict[str, Stream] = {"stdout": "out", "stderr": "err"}


class Parsed(NamedTuple):
    """The parts of a line; None for a part that it does not have."""

    time: float | None
    """Wall time, seconds."""
    instance: int | None
    stream: Stream | None
    text: bytes


class LineFormat:
    """The ways in which an app's lines were written: recon's own, JSON, or ``strftime``."""

    def __init__(self, timestamps: tuple[str, ...] = ()) -> None:
        self._readers = [timestamp.reader(form) for form in timestamps]

    def parse(self, raw: bytes) -> Parsed:
        """A line less its newline."""
        match = _STAMP.match(raw)
        if match is not None:
            return Parsed(_iso(match[1]), None, None, raw[match.end() :])
        if raw.startswith(_JSON):
            parsed = self._json(raw)
            if parsed is not None:
                return parsed
        for read in self._readers:
            found = read(raw)
            if found is not None:
                return Parsed(found[1], None, None, raw[found[0] :])
        return Parsed(None, None, None, raw)

    def time(self, raw: bytes) -> float | None:
        """When it was written, if it says so."""
        match = _STAMP.match(raw)
        return _iso(match[1]) if match is not None else self.parse(raw).time

    def _json(self, raw: bytes) -> Parsed | None:
        """None where it is an object of the program's own."""
        try:
            data = json.loads(raw)
            stream = _STREAMS[data["stream"]]
            text = (
                data["message"].encode()
                if "message" in data
                else base64.b64decode(data["base64"], validate=True)
            )
            return Parsed(self._time(data.get("time")), int(data["instance"]), stream, text)
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            return self._cut_json(raw)

    def _cut_json(self, raw: bytes) -> Parsed | None:
        """Of a long line only the beginning may be at hand."""
        match = _HEAD.match(raw)
        if match is None:
            return None
        when, instance, stream = ((match[n] or b"").decode(errors="replace") for n in (1, 3, 4))
        return Parsed(self._time(when or None), int(instance), _STREAMS[stream], raw[match.end() :])

    def _time(self, text: str | None) -> float | None:
        if text is None:
            return None
        raw = text.encode() + b" "
        match = _STAMP.match(raw)
        if match is not None:
            return _iso(match[1])
        found = (one for read in self._readers if (one := read(raw)) is not None)
        return next((when for _, when in found), None)


@lru_cache(maxsize=4096)  # all lines of a chunk have one time
def _iso(text: bytes) -> float | None:
    try:
        return datetime.fromisoformat(text.decode()).timestamp()
    except ValueError:
        return None
