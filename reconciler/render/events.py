"""Events as text: a line each, and below it what is known of a crash, or of the user who requested
it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from reconciler.api.documents.timeline import Timeline, subject_of
from reconciler.render.cells import cells, clip, clip_middle, fold_line
from reconciler.render.formats import clock, duration, local
from reconciler.render.terminal import paint, plain, uncoloured

Document = Mapping[str, Any]

_LINES = 3
"""Of stderr that are shown below an event; `-o json` has them all, the log has the rest."""


class EventLines:
    """Events as lines: when, of what, the reason, a sentence. ``known``: those to come, if known;
    ``named``: the app is said, too, and not the instance alone."""

    def __init__(
        self,
        known: Iterable[Document] = (),
        *,
        colour: bool = False,
        named: bool = True,
        columns: int | None = None,
    ) -> None:
        self._colour = colour
        self._named = named
        self._columns = columns
        known = [*known]
        self._timeline = Timeline([one["reason"] for one in known], map(self._subject, known))

    def of(self, event: Document) -> str:
        """The line of one event."""
        when, subject = clock(event["time"]), self._subject(event)
        message = local(event["message"])
        return self._timeline.line(when, subject, event["reason"], message, self._painted(event))

    def folded(self, event: Document) -> list[str]:
        """The line of one event; where ``columns`` have no room for it, its sentence is below."""
        line = self.of(event)
        if self._columns is None or cells(uncoloured(line)) <= self._columns:
            return [line]
        return [
            self._head(event),
            *fold_line(f"    {plain(local(event['message']))}", self._columns),
        ]

    def _painted(self, event: Document) -> Callable[[str], str]:
        """Colours the reason of a warning."""

        colour = "yellow" if event["type"] == "Warning" else ""
        return lambda reason: paint(reason, colour, on=self._colour)

    def _head(self, event: Document) -> str:
        """All but the sentence, in as much room as there is."""
        assert self._columns is not None
        when, subject, reason = clock(event["time"]), self._subject(event), event["reason"]
        painted = self._painted(event)
        head = self._timeline.line(when, subject, reason, "", painted).rstrip()
        if cells(uncoloured(head)) <= self._columns:
            return head
        shown = clip_middle(subject, self._columns - len(reason) - 12)
        parts = [when[5:], *([shown] if shown else []), reason]
        if cells(" ".join(parts)) > self._columns:
            parts[0] = when[11:]  # the time without the day
        return " ".join([*parts[:-1], painted(reason)])

    def _subject(self, event: Document) -> str:
        is_shown = self._named or event["instance"] is not None
        return subject_of(event["app"], event["instance"]) if is_shown else ""


def details(
    event: Document, *, columns: int | None, indent: str = "    ", lines: int = _LINES
) -> list[str]:
    """What is known of an event beyond its sentence; output is cut to ``columns``, if any."""
    found = [f"{indent}{plain(text)}" for text in _facts(event)]
    exit = event.get("exit")
    if exit:
        shown = exit["stderr"][-lines:] if lines else []
        written = [f"{indent}! {plain(text)}" for text in shown]
        found += [clip(line, columns) for line in written] if columns else written
    return found


def _facts(event: Document) -> Iterator[str]:
    """One fact a line."""
    exit, by = event.get("exit") or {}, event.get("by") or {}
    if exit.get("core"):
        yield f"core file: {exit['core']}"
    if exit.get("port"):
        holder = exit["port"]["holder"]
        use = f"is in use by {holder}" if holder else "was in use"
        yield f"port {exit['port']['number']} {use}"
    if by:
        yield actor_of(by)


def actor_of(by: Document) -> str:
    """``restart by alice (uid 1000)``, ``edit at commit 1a2b3c4d5e6f``."""
    user = f" by {by['user'] or 'uid'}" if by["user"] or by["uid"] is not None else ""
    if by["uid"] is not None:
        user += f" (uid {by['uid']})" if by["user"] else f" {by['uid']}"
    commit = f" at commit {by['commit'][:12]}" if by["commit"] else ""
    return f"{by['verb']}{user}{commit}"


def crash_lines(crash: Document, *, output: bool, columns: int | None) -> Iterator[str]:
    """The last crash of an app. ``output``: with what the process wrote last."""
    exit = crash["exit"]
    how = exit["signal"] or (f"exit {exit['code']}" if exit["code"] is not None else "exit unknown")
    uptime = exit["uptimeSeconds"]
    after = "" if uptime is None else f" after {_took(uptime)}"
    subject = subject_of(crash["app"], crash["instance"])
    yield f"last crash: {plain(subject)} at {clock(crash['time'])}: {how}{after}"
    yield from details(crash, columns=columns, indent="  ", lines=_LINES if output else 0)


def _took(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else duration(seconds)
