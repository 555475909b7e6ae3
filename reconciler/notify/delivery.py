"""The messages of one target, one after the other: each is tried until it is sent or given up."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_exponential, wait_random

from reconciler.notify.outcome import Outcome
from reconciler.notify.target import Target

FIRST, LONGEST = 2.0, 300.0
"""Seconds between two tries: doubled each time, with a jitter of ``FIRST``."""

Attempt = Callable[[Target, dict[str, Any]], Awaitable[Outcome]]
Report = Callable[[dict[str, Any]], None]


class NotSentError(Exception):
    """A try has failed."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.error)
        self.outcome = outcome


class Delivery:
    """Works through the messages of one target. ``report`` is called with what happens."""

    def __init__(self, target: Target, attempt: Attempt, report: Report) -> None:
        self._target, self._attempt, self._report = target, attempt, report
        self._wake = asyncio.Event()
        self._base = wait_exponential(FIRST, LONGEST) + wait_random(0, FIRST)

    def declare(self, target: Target) -> None:
        """From now on it is declared so; what waits is tried again at once where that differs."""
        if target != self._target:
            self._target = target
            self._wake.set()

    async def deliver(self, message: dict[str, Any]) -> None:
        """Send a message, or give it up; both are reported."""
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(NotSentError),
            wait=self._wait,
            stop=self._is_over(message["createdAt"]),
            before_sleep=self._tell_failure(message["id"]),
            sleep=self._pause,
            reraise=True,
        )
        try:
            await retrying(self._once, message)
        except NotSentError as error:
            self._report({"id": message["id"], "what": "given-up", "error": str(error)})
        else:
            self._report({"id": message["id"], "what": "sent"})

    async def _once(self, message: dict[str, Any]) -> None:
        outcome = await self._attempt(self._target, message)
        if not outcome.ok:
            raise NotSentError(outcome)

    def _wait(self, state: RetryCallState) -> float:
        """Seconds to the next try; a server's Retry-After is respected."""
        error = state.outcome.exception() if state.outcome is not None else None
        least = error.outcome.retry_after if isinstance(error, NotSentError) else 0.0
        return max(self._base(state), least)

    def _is_over(self, created_at: float) -> Callable[[RetryCallState], bool]:
        """A clock that is set while it is tried changes nothing."""
        began, age = time.monotonic(), max(0.0, time.time() - created_at)

        def is_over(state: RetryCallState) -> bool:
            return age + time.monotonic() - began >= self._target.give_up

        return is_over

    def _tell_failure(self, id: str) -> Callable[[RetryCallState], None]:
        def tell(state: RetryCallState) -> None:
            error = state.outcome.exception() if state.outcome is not None else None
            self._report(
                {
                    "id": id,
                    "what": "failed",
                    "error": str(error),
                    "attempts": state.attempt_number,
                    "next": round(state.upcoming_sleep, 3),
                }
            )

        return tell

    async def _pause(self, seconds: float) -> None:
        """Until the next try, or until the target is declared differently."""
        self._wake.clear()
        try:
            await asyncio.wait_for(self._wake.wait(), seconds)
        except TimeoutError:
            pass
