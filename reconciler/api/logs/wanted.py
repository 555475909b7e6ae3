"""What a request for logs asks for: which lines, how many, from where on, and in which form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from reconciler.api.asgi.refusal import RefusedError
from reconciler.api.asgi.request import Values
from reconciler.api.server.parameters import flag, moment, whole_number
from reconciler.logs.read.request import LogQuery, Position
from reconciler.model.host.fifo import STREAMS, Stream

MOST = 5000
"""Lines of one answer that are past."""
_SEARCH = 1000
"""Characters that are searched for."""
_STREAMS: dict[str, tuple[Stream, ...]] = {"stdout": ("out",), "stderr": ("err",), "": STREAMS}
_INSTANCE = re.compile(r"(?:[a-z0-9-]+-)?([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Wanted:
    """One request."""

    query: LogQuery
    lines: int = 100
    """How many past lines; of no meaning with ``after``."""
    before: Position | None = None
    """The past lines before this one."""
    after: Position | None = None
    """The last line that the client has read."""
    follow: bool = False
    as_stream: bool = False
    """As server-sent events."""


def wanted_of(app: str, state_dir: Path, parameters: Values, headers: Values) -> Wanted:
    """RefusedError where something is not valid."""
    as_stream = "text/event-stream" in headers.get("accept", "")
    stream = parameters.get("stream", "")
    if stream not in _STREAMS:
        raise RefusedError("stream must be stdout or stderr", 400)
    search = parameters.get("search", "")
    if len(search) > _SEARCH:
        raise RefusedError(f"search must have {_SEARCH:,} characters or less", 400)
    query = LogQuery(
        state_dir,
        app,
        _instance(parameters.get("instance")),
        _STREAMS[stream],
        moment("since", parameters.get("since")),
        moment("until", parameters.get("until")),
        search,
    )
    after = _position("after", parameters.get("after"))
    wanted = Wanted(
        query,
        whole_number("lines", parameters.get("lines", "100"), MOST),
        _position("before", parameters.get("before")),
        _position("Last-Event-ID", headers.get("last-event-id")) or after,
        as_stream or flag("follow", parameters.get("follow")),
        as_stream,
    )
    if wanted.follow and (wanted.before is not None or query.until is not None):
        raise RefusedError("before and until are about the past, and cannot be followed", 400)
    if wanted.before is not None and wanted.after is not None:
        raise RefusedError("before and after cannot be used together", 400)
    return wanted


def _instance(text: str | None) -> int | None:
    """A number, or the name of an instance."""
    if not text:
        return None
    found = _INSTANCE.fullmatch(text)
    if found is None or not text.isascii():
        raise RefusedError("instance must be the number or the name of an instance", 400)
    return int(found[1])


def _position(name: str, text: str | None) -> Position | None:
    if text is None:
        return None
    try:
        return Position.parse(text)
    except ValueError as error:
        raise RefusedError(f"{name}: {error}", 400) from None
