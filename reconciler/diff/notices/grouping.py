"""Events become messages: grouped, and no more than the target's rate.

One ``Group`` a target. ``add`` takes events as they come, ``tick`` makes the message that is due.
Times are wall seconds: a clock that is set back delays nothing, since no time of the past is later
than now.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Protocol

from reconciler.diff.notices.compose import SHOWN, Line, Origin, composed, in_order
from reconciler.diff.notices.incidents import GroupState, Happening, Incident, Single, key
from reconciler.diff.notices.problems import FAMILIES, ProblemKind, begun_by
from reconciler.diff.notices.selection import Selection
from reconciler.model.spec.notify import NotifyTarget
from reconciler.model.state.builder import built_by
from reconciler.model.state.event import EndDetails, Event
from reconciler.model.state.notice import Notice
from reconciler.model.state.reason import EventReason
from reconciler.model.words.sentence import Sentence

BURST = 5
"""Messages that may be sent at once."""
_LOOK_AGAIN = 5.0
"""Seconds after which it is looked at again whether a problem is over."""
_REPEAT = 900.0
"""Seconds within which a single event of one kind and app is not repeated."""
_INCIDENTS, _SINGLES = 1000, 200
"""Of one target at a time: 500 apps may have two problems each."""
_QUIET_MOST = 3600.0


@dataclass(frozen=True, slots=True)
class Standing:
    """How an app is now; ``""`` is recon itself."""

    stopped: str = ""
    """Why nothing of it is to run, a sentence: no problem of it is left."""
    labels: Mapping[str, str] = field(default_factory=dict)
    is_job: bool = False
    stays_down: bool = False
    """It is not restarted after a crash: the first one is a problem."""
    revision: int | None = None


class Around(Protocol):
    """What is asked of the controller."""

    def standing(self, app: str) -> Standing: ...

    def persists(self, app: str) -> frozenset[ProblemKind]:
        """Problems that can be seen now: none of them is over."""
        ...

    def last_end(self, app: str) -> EndDetails | None:
        """How a process of an app failed last."""
        ...

    def cause(self, app: str, end: EndDetails) -> Sentence | None:
        """Why a process ended, as far as its output tells."""
        ...


class Group:
    """The messages of one target."""

    def __init__(self, name: str, target: NotifyTarget, state: GroupState, origin: Origin) -> None:
        self._name, self._origin = name, origin
        self.state = state
        self.declare(target)

    def declare(self, target: NotifyTarget) -> None:
        """From now on it is declared so. What waits stays."""
        self._target, self._selection = target, Selection.of(target)

    # -- events --------------------------------------------------------------------------------

    def add(self, event: Event, at: float, around: Around) -> bool:
        """Take an event into account; whether anything is known now that was not."""
        app = event.app
        if built_by(app) is not None:
            return False  # BuildFailed is an event of the app itself
        standing = around.standing(app)
        if not self._selection.concerns(app, standing.labels):
            return False
        open_ones = (self._find(kind, app) for kind in ProblemKind)
        changed = [self._follow(one, event, at) for one in open_ones if one is not None]
        if not self._selection.wants(event):
            return any(changed)
        kind = self._kind(event, standing)
        if kind is not None:
            self._begin(kind, event, at, standing, around)
        elif not any(changed) and not self._selection.is_default:
            self._single(app, event, at, standing)
        return True

    def _kind(self, event: Event, standing: Standing) -> ProblemKind | None:
        crashed = event.reason in (EventReason.EXITED, EventReason.OOM_KILLED)
        if crashed and event.type == "Warning" and standing.stays_down and not standing.is_job:
            return ProblemKind.CRASHING
        kind = begun_by(event, is_job=standing.is_job)
        if kind is ProblemKind.UNREADY and self._find(ProblemKind.CRASHING, event.app) is not None:
            return None
        return kind

    def _find(self, kind: ProblemKind, app: str) -> Incident | None:
        return self.state.incidents.get(key(app, kind))

    def _follow(self, incident: Incident, event: Event, at: float) -> bool:
        """Whether an event is one of a problem that is open."""
        family = FAMILIES[ProblemKind(incident.kind)]
        if event.reason in family.ends or event.reason == EventReason.PRUNED:
            incident.ending = event.message
            return True
        if event.type != "Warning" or event.reason not in family.begins | family.continues:
            return False
        seen = incident.seen
        if seen.last_at < at:
            incident.gap = max(incident.gap, at - seen.last_at)
        if event.reason in family.begins:
            seen.again(at, event.reason, event.message, event.type)
            if incident.reported and at - incident.reported_at >= family.repeats_after:
                incident.is_due_again = True
        else:
            seen.last_at = max(seen.last_at, at)
        if not incident.reported or incident.is_due_again:
            _note_end(seen, event.end)
        incident.ending = ""
        return True

    def _begin(
        self, kind: ProblemKind, event: Event, at: float, standing: Standing, around: Around
    ) -> None:
        state, app = self.state, event.app
        if self._find(kind, app) is not None:
            return  # followed already
        seen = _happening(event, at, standing)
        if seen.end is None and FAMILIES[kind].continues:
            _note_end(seen, around.last_end(app))
        for reason in FAMILIES[kind].continues:
            one = state.singles.get(key(app, reason))
            if one is not None and not one.quiet_until:
                seen.began_at = min(seen.began_at, one.seen.began_at)
                del state.singles[key(app, reason)]
        unready = self._find(ProblemKind.UNREADY, app) if kind is ProblemKind.CRASHING else None
        if unready is not None and not unready.reported:
            del state.incidents[key(app, unready.kind)]
        if len(state.incidents) >= _INCIDENTS:
            state.left_out += 1
            return
        state.incidents[key(app, kind)] = Incident(app, kind.value, seen)

    def _single(self, app: str, event: Event, at: float, standing: Standing) -> None:
        state = self.state
        known = state.singles.get(key(app, event.reason))
        if known is not None:
            known.seen.again(at, event.reason, event.message, event.type)
            _note_end(known.seen, event.end)
            return
        if len(state.singles) >= _SINGLES:
            state.left_out += 1
            return
        state.singles[key(app, event.reason)] = Single(app, _happening(event, at, standing))

    # -- time ----------------------------------------------------------------------------------

    def tick(self, now: float, around: Around) -> Notice | None:
        """The message that is due now, which counts as made; None where none is."""
        self._correct(now)
        lines = [*self._news(now, around)]
        state = self.state
        if not lines:
            state.since = None
            return None
        state.since = now if state.since is None else state.since
        if now < state.since + self._target.group_seconds or not self._take_token(now):
            return None
        state.number += 1
        ordered = in_order(lines)
        explained = [self._with_cause(line, around) for line in ordered[:SHOWN]]
        notice = composed(
            self._id(lines),
            self._name,
            now,
            [*explained, *ordered[SHOWN:]],
            origin=self._origin,
            dropped=state.dropped,
            left_out=state.left_out,
        )
        state.since, state.dropped, state.left_out = None, 0, 0
        self._mark_reported(lines, now)
        return notice

    def wait(self, now: float) -> float | None:
        """Seconds after which ``tick`` may have something to do; None: not without an event."""
        state = self.state
        waits: list[float] = []
        if state.since is not None:
            due = max(state.since + self._target.group_seconds, now + self._token_wait(now))
            waits.append(max(0.0, due - now))
        else:
            is_due = any(self._is_news(one, now) for one in state.incidents.values())
            is_due = is_due or any(one.quiet_until <= now for one in state.singles.values())
            waits += [0.0] if is_due else []
        waits += [self._next_look(one, now) for one in state.incidents.values()]
        quiet = (one.quiet_until - now for one in state.singles.values())
        waits += [wait for wait in quiet if wait > 0]
        return min(waits, default=None)

    def _next_look(self, incident: Incident, now: float) -> float:
        """Seconds until it may be worth a message, or over."""
        family = FAMILIES[ProblemKind(incident.kind)]
        waits = [
            incident.seen.began_at + family.holds_for - now,
            incident.seen.last_at + self._quiet(incident) - now if family.is_over_when_quiet else 0,
        ]
        return min([_LOOK_AGAIN, *(wait for wait in waits if wait > 0)])

    def note_dropped(self, count: int) -> None:
        """Messages were given up: the next one says how many."""
        self.state.dropped += count

    def _is_news(self, incident: Incident, now: float) -> bool:
        is_new = not incident.reported and self._holds(incident, now)
        return bool(incident.ending) or is_new or incident.is_due_again

    def _news(self, now: float, around: Around) -> Iterator[Line]:
        """What a message would be about. Forgets what came and went without one."""
        for incident in [*self.state.incidents.values()]:
            over = self._over(incident, around, now)
            if over and not incident.reported:
                del self.state.incidents[key(incident.app, incident.kind)]
            elif over:
                yield Line(incident.app, incident.seen, incident, over)
            elif self._is_news(incident, now):
                yield Line(incident.app, incident.seen, incident, "")
        for name, one in [*self.state.singles.items()]:
            if one.quiet_until > now:
                continue
            if one.quiet_until and not one.seen.count:
                del self.state.singles[name]
                continue
            yield Line(one.app, one.seen, None, "")

    def _holds(self, incident: Incident, now: float) -> bool:
        """Whether it has lasted long enough to be worth a message."""
        return now - incident.seen.began_at >= FAMILIES[ProblemKind(incident.kind)].holds_for

    def _over(self, incident: Incident, around: Around, now: float) -> str:
        """Why the problem is over, a sentence; empty while it is not."""
        kind = ProblemKind(incident.kind)
        family = FAMILIES[kind]
        stopped = around.standing(incident.app).stopped
        if stopped:
            return incident.ending or stopped
        if incident.ending:
            return incident.ending
        if not family.is_over_when_gone or kind in around.persists(incident.app):
            return ""
        if family.is_over_when_quiet and now - incident.seen.last_at < self._quiet(incident):
            return ""
        return f"{incident.app or 'recon'} {family.over}"

    def _quiet(self, incident: Incident) -> float:
        """Seconds without an event after which it is over: twice what lay between two of them."""
        return max(self._target.recovery_seconds, min(2 * incident.gap, _QUIET_MOST))

    def _with_cause(self, line: Line, around: Around) -> Line:
        """Only what is shown is explained: each may take a millisecond."""
        end = line.seen.end
        if end is None or line.over:
            return line
        details = EndDetails(**{**end, "stderr": tuple(end["stderr"])})
        return replace(line, cause=around.cause(line.app, details))

    def _mark_reported(self, lines: list[Line], now: float) -> None:
        state = self.state
        for line in lines:
            incident = line.incident
            if incident is None:
                single = state.singles[key(line.app, line.seen.reason)]
                single.quiet_until, single.seen.count = now + _REPEAT, 0
            elif line.over:
                del state.incidents[key(incident.app, incident.kind)]
            else:
                incident.reported, incident.reported_at = True, now
                incident.is_due_again, incident.seen.end = False, None

    def _id(self, lines: list[Line]) -> str:
        """Made from what it is about: a controller that died before it wrote the message down, and
        makes it again, makes it with the same id."""
        first = min(line.seen.began_at for line in lines)
        parts = (self._origin.store, self._name, str(self.state.number), f"{first:.3f}")
        return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:20]

    # -- rate ----------------------------------------------------------------------------------

    def _take_token(self, now: float) -> bool:
        """A token bucket: ``BURST`` at once, then ``maxPerHour``."""
        state = self.state
        self._refill(now)
        if state.tokens < 1:
            return False
        state.tokens -= 1
        return True

    def _token_wait(self, now: float) -> float:
        self._refill(now)
        return max(0.0, (1 - self.state.tokens) / self._rate)

    def _refill(self, now: float) -> None:
        state = self.state
        most = float(min(BURST, self._target.max_per_hour))
        if state.tokens_at is None:
            state.tokens = most
        else:
            state.tokens = min(most, state.tokens + (now - state.tokens_at) * self._rate)
        state.tokens_at = now

    @property
    def _rate(self) -> float:
        """Tokens a second."""
        return self._target.max_per_hour / 3600

    def _correct(self, now: float) -> None:
        """No time of the past is later than now, whatever was done to the clock."""
        state = self.state
        seen_of = [one.seen for one in state.incidents.values()]
        for seen in [*seen_of, *(one.seen for one in state.singles.values())]:
            seen.began_at, seen.last_at = min(seen.began_at, now), min(seen.last_at, now)
        for incident in state.incidents.values():
            incident.reported_at = min(incident.reported_at, now)
        for single in state.singles.values():
            single.quiet_until = min(single.quiet_until, now + _REPEAT)
        if state.since is not None:
            state.since = min(state.since, now)
        if state.tokens_at is not None:
            state.tokens_at = min(state.tokens_at, now)


def _happening(event: Event, at: float, standing: Standing) -> Happening:
    made = Happening(event.reason, event.message, event.type, at, at, revision=standing.revision)
    _note_end(made, event.end)
    return made


def _note_end(seen: Happening, end: EndDetails | None) -> None:
    if end is not None and (end.stderr or end.code or end.signal):
        seen.end = {**asdict(end), "stderr": [*end.stderr]}
