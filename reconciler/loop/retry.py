"""The controller's own ladder: how long to wait after a failure that is not the app's.

EAGAIN on fork or ENOSPC on a log are the host's trouble. They never count as the app's crash
(design.md#backoff), and are tried again sooner and without end: 0.2 s, doubling, to 15 s, each with
up to a fifth on top at random, so that a thousand instances do not come back in one instant.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import tenacity

from reconciler.model.state.plan import Decision, Start

_FIRST = 0.2
_LONGEST = 15.0

_ladder = tenacity.wait_exponential(multiplier=_FIRST, exp_base=2, max=_LONGEST)
_call = tenacity.Retrying(wait=_ladder)


@dataclass(frozen=True, slots=True)
class Trouble:
    """What keeps an app from what is declared: the host's doing, or recon's."""

    hash: str
    """Of the revision that was declared: another one is tried at once."""
    cause: str
    attempt: int
    """How often it was tried in a row."""
    until: float
    """Boot seconds of the next try."""

    @classmethod
    def after(cls, before: Trouble | None, hash: str, cause: str, now: float) -> Trouble:
        """Of a failure now, the next one where there is trouble already."""
        attempt = before.attempt + 1 if before is not None else 1
        return cls(hash, cause, attempt, now + delay(attempt))


def put_off(made: Decision, trouble: Trouble | None, now: float) -> Decision:
    """A decision without the starts that wait for their next try, whatever else has happened."""
    if trouble is None or now >= trouble.until:
        return made
    if made.desired is None or made.desired.hash != trouble.hash:
        return made
    actions = tuple(action for action in made.actions if not isinstance(action, Start))
    if len(actions) == len(made.actions):
        return made
    again = min(trouble.until, made.look_again_at or trouble.until)
    return replace(made, actions=actions, look_again_at=again)


def delay(attempt: int) -> float:
    """Seconds to wait after the ``attempt``-th failure in a row, counted from 1."""
    state = tenacity.RetryCallState(_call, None, (), {})
    state.attempt_number = max(1, attempt)
    wait = _ladder(state)
    return wait + tenacity.wait_random(0, wait / 5)(state)
