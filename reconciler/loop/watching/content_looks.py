"""Looks at what apps watch, by a worker process: one at a time for each app."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

from reconciler.desired.watched import treetask
from reconciler.desired.watched.own_files import OwnFiles
from reconciler.desired.watched.treetask import Found, Question, Refused
from reconciler.loop.watching.watched import Watched
from reconciler.model.words.sentence import Sentence
from reconciler.system.work.worker import Shared, TaskFault, WorkerError, Workers, WorkerTimeout

DEADLINE = 60.0
"""Seconds that one look may take."""
_AWAITED = 1.0
"""Seconds that an app is left alone for a look that was asked for."""

Outcome = Found | Sentence | TaskFault
"""What was found, why it cannot be told, or what failed in recon and may pass by itself."""


class ContentLooks:
    """Calls ``on_ended(app, number, outcome, at_once, again)`` after a look; ``at_once``: it was
    requested, ``again``: something may have changed since it began. ``on_late(app)``: one that
    ``is_awaited`` no longer, because its look takes long."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        workers: Workers,
        own: OwnFiles,
        *,
        on_ended: Callable[[Watched, int, Outcome, bool, bool], None],
        on_late: Callable[[str], None],
    ) -> None:
        self._loop = loop
        self._workers = workers
        self._own = own
        self._on_ended = on_ended
        self._on_late = on_late
        self._looks = 0

    def is_awaited(self, known: Watched) -> bool:
        """Whether a look that was asked for is under way, and has not taken long yet."""
        if known.look is None or not known.at_once:
            return False
        return self._loop.time() - known.began < _AWAITED

    def look(self, known: Watched, at_once: bool) -> None:
        """Begin a look. One that is under way may have missed what is there now."""
        if at_once and not known.at_once:
            self._loop.call_later(_AWAITED, self._await_no_longer, known)
        known.at_once = known.at_once or at_once
        if known.look is not None:
            known.again = True
            return
        self._looks += 1
        known.began = self._loop.time()
        question = Question(known.watching, self._looks, known.followed_look, known.folders_of)
        known.look = self.ask(known, treetask.LOOK, question)
        known.look.add_done_callback(partial(self._ended, known, self._looks))

    def ask(self, known: Watched, task: str, argument: object) -> asyncio.Future[Any]:
        """What the worker of an app answers."""
        own = Shared(treetask.OWN, self._own.version, self._own)
        return self._workers.call(
            task, argument, owner=known.name, seconds=DEADLINE, keeps=True, shared=own
        )

    def _await_no_longer(self, known: Watched) -> None:
        if known.look is not None and known.at_once and not known.is_over:
            self._on_late(known.name)

    def _ended(self, known: Watched, number: int, look: asyncio.Future[Found | Refused]) -> None:
        if known.is_over or look.cancelled():
            return
        known.look = None
        again, known.again = known.again, False
        outcome = _outcome(look)
        if again and isinstance(outcome, Found):
            self.look(known, known.at_once)
            return
        at_once, known.at_once = known.at_once, False
        self._on_ended(known, number, outcome, at_once, again)


def _outcome(look: asyncio.Future[Found | Refused]) -> Outcome:
    try:
        found = look.result()
    except TaskFault as error:
        return error
    except WorkerError as error:
        return _why(error)
    return found if isinstance(found, Found) else Sentence(found.message, found.remedy)


def _why(error: WorkerError) -> Sentence:
    """Why a look has no answer, and what to do."""
    if isinstance(error, WorkerTimeout):
        place = error.path or "a watched file"
        message = f"{place} could not be read within {DEADLINE:.0f} s"
        return Sentence(message, "name it in `ignore`, or watch less")
    at = f" at {error.path}" if error.path else ""
    message = f"watched files cannot be looked at: {error}{at}"
    return Sentence(message, "recon tries again")
