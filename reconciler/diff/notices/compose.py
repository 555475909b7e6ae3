"""What a message says: subject, text, and the same for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.diff.notices.incidents import Happening, Incident
from reconciler.diff.notices.plain import one_line, quoted
from reconciler.diff.notices.problems import FAMILIES, ProblemKind
from reconciler.model.state.notice import Kind, Notice
from reconciler.model.state.reason import EventReason
from reconciler.model.words.sentence import Sentence

SHOWN = 20
"""Problems that are told one by one; of the rest the names."""
_NAMES = 100
_LINE, _SUBJECT = 300, 120
_MOST = 3500
"""Characters of a text: Telegram takes 4096."""
_STDERR = 10


@dataclass(frozen=True, slots=True)
class Origin:
    """Where messages come from."""

    host: str
    store: str
    """Names the state directory (``store_id``)."""


@dataclass(frozen=True, slots=True)
class Line:
    """What one part of a message is about."""

    app: str
    seen: Happening
    incident: Incident | None
    over: str
    """Why the problem is over; empty where it is not."""
    cause: Sentence | None = None

    @property
    def subject(self) -> str:
        return self.app or "recon"

    @property
    def title(self) -> str:
        """``web keeps crashing``."""
        if self.incident is None:
            return f"{self.subject}: {self.seen.reason}"
        family = FAMILIES[ProblemKind(self.incident.kind)]
        if self.over:
            return f"{self.subject} {family.over}"
        if self.seen.reason == EventReason.FAILED_CREATE:
            return f"{self.subject} cannot be started"
        if self.seen.reason in (EventReason.EXITED, EventReason.OOM_KILLED):
            return f"{self.subject} has crashed"
        return f"{self.subject} {family.title}"


def in_order(lines: Sequence[Line]) -> list[Line]:
    """Problems first, then events, then what is over."""
    return sorted(lines, key=lambda line: (bool(line.over), line.incident is None, line.app))


def composed(
    id: str,
    target: str,
    now: float,
    lines: Sequence[Line],
    *,
    origin: Origin,
    dropped: int = 0,
    left_out: int = 0,
) -> Notice:
    """The message about these, which are ``in_order``."""
    kind = _kind(lines)
    host = one_line(origin.host, 60) or "this host"
    parts = [_heading(lines, host)]
    if len(lines) == 1:
        parts += _in_full(lines[0])
    else:
        parts += ["", *(_short(line) for line in lines[:SHOWN])]
        parts += _rest(lines[SHOWN:])
    parts += _losses(dropped, left_out)
    text = "\n".join(parts)
    if len(text) > _MOST:
        text = text[: _MOST - 1] + "…"
    foot = f"\n\nrecon on {host}, message {id}"
    return Notice(
        id,
        target,
        now,
        kind,
        one_line(f"[recon] {_heading(lines, host)}", _SUBJECT),
        text + foot,
        tuple(_item(line) for line in lines[:_NAMES]),
    )


def _kind(lines: Sequence[Line]) -> Kind:
    if any(line.incident is not None and not line.over for line in lines):
        return Kind.PROBLEM
    return Kind.RECOVERY if any(line.over for line in lines) else Kind.EVENT


def _heading(lines: Sequence[Line], host: str) -> str:
    if len(lines) == 1:
        return f"{lines[0].title} on {host}"
    over = [line for line in lines if line.over]
    rest = [line for line in lines if not line.over]
    words = []
    if rest:
        problems = all(line.incident is not None for line in rest)
        words.append(f"{len(rest)} {'problem' if problems else 'event'}{_s(rest)}")
    if over:
        words.append(f"{len(over)} {'is' if len(over) == 1 else 'are'} over")
    names = [*dict.fromkeys(line.subject for line in lines)]
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    return f"{', '.join(words)} on {host}: {shown}"


def _in_full(line: Line) -> list[str]:
    """One problem with all that is known of it."""
    seen = line.seen
    if line.over:
        why = [] if line.over == line.title else [one_line(line.over, _LINE) + "."]
        lasted = f"The problem lasted {_duration(seen.last_at - seen.began_at)}."
        return ["", *why, lasted, *_counted(line)]
    parts = ["", one_line(seen.message, _LINE) + "."]
    if line.cause is not None:
        parts.append(f"Cause: {one_line(line.cause.message, _LINE)}.")
        parts.append(f"What to do: {one_line(line.cause.remedy, _LINE)}.")
    else:
        parts.append(f"What to do: {_look(line)}.")
    if seen.revision is not None:
        parts.append(f"Revision: {seen.revision}")
    parts += _counted(line)
    stderr = _stderr(seen)
    if stderr:
        parts += ["", f"Last lines that {line.subject} wrote to stderr:"]
        parts += [quoted(text, 160) for text in stderr]
    return parts


def _short(line: Line) -> str:
    """One problem in one line."""
    if line.over:
        return f"- {one_line(line.title, _LINE)}"
    what = line.cause.message if line.cause is not None else line.seen.message
    return f"- {one_line(f'{line.title}: {what}', _LINE)}"


def _rest(lines: Sequence[Line]) -> list[str]:
    if not lines:
        return []
    names = [*dict.fromkeys(line.subject for line in lines)]
    more = ", …" if len(names) > _NAMES else ""
    return [f"- and {len(lines)} more: {', '.join(names[:_NAMES])}{more}"]


def _counted(line: Line) -> list[str]:
    if line.seen.count < 2 or line.incident is None:
        return []
    return [f"It happened {line.seen.count} times."]


def _losses(dropped: int, left_out: int) -> list[str]:
    parts = []
    if dropped:
        parts.append(f"{dropped} earlier message{'s' if dropped > 1 else ''} could not be sent.")
    if left_out:
        parts.append(f"{left_out} more events are left out.")
    return ["", *parts, "'recon events' shows what happened."] if parts else []


def _look(line: Line) -> str:
    return f"run 'recon status {line.app}'" if line.app else "run 'recon status'"


def _stderr(seen: Happening) -> list[str]:
    lines = (seen.end or {}).get("stderr") or []
    return [str(text) for text in lines[-_STDERR:]]


def _item(line: Line) -> Mapping[str, Any]:
    """For programs: the texts as they are."""
    seen, cause = line.seen, line.cause
    return {
        "app": line.app,
        "state": "over" if line.over else "problem" if line.incident is not None else "event",
        "problem": line.incident.kind if line.incident is not None else None,
        "reason": seen.reason,
        "severity": "Normal" if line.over else seen.severity,
        "message": line.over or seen.message,
        "cause": cause.message if cause is not None else None,
        "remedy": cause.remedy if cause is not None else None,
        "since": seen.began_at,
        "count": seen.count,
        "revision": seen.revision,
        "stderr": [] if line.over else _stderr(seen),
    }


def _duration(seconds: float) -> str:
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(1.0, seconds):.0f} s"


def _s(lines: Sequence[Line]) -> str:
    return "s" if len(lines) != 1 else ""
