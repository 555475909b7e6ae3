"""What may be done to an app from the monitor. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Document = Mapping[str, Any]


class Action(NamedTuple):
    """``name`` is the API's word; ``title`` ends in the name of the app."""

    name: str
    title: str
    help: str
    asks: str = ""
    """The parameter that the user is asked for first."""


RESTART = Action("restart", "Restart", "replace its processes by the strategy")
RUN = Action("run-job", "Run", "run the Job now")
SUSPEND = Action("suspend", "Suspend", "stop it, and keep its manifest")
RESUME = Action("resume", "Resume", "start it again")
SCALE = Action("scale", "Scale", "another number of instances", asks="instances")
UNDO = Action("undo", "Undo", "put an earlier revision into its manifest", asks="revision")
PAUSE = Action("pause", "Pause the rollout of", "hold the rollout")
UNPAUSE = Action("unpause", "Continue the rollout of", "let a held rollout go on")


def restart_of(app: Document) -> Action:
    """`r`: a Job is run, an App is restarted."""
    return RUN if app["kind"] == "Job" else RESTART


def suspend_of(app: Document) -> Action:
    """`z`: stops it, or starts it again."""
    return RESUME if app["health"] == "Suspended" else SUSPEND


def pause_of(app: Document) -> Action:
    """`h`: holds the rollout, or lets it go on."""
    return UNPAUSE if is_paused(app) else PAUSE


def is_paused(app: Document) -> bool:
    """Whether a person, or a canary, holds the rollout."""
    return any(one["reason"] in _PAUSES for one in app["conditions"])


_PAUSES = ("DeploymentPaused", "CanaryPauseStep")


def actions_of(app: Document) -> list[Action]:
    """Everything that may be done to it now."""
    if app["kind"] == "Job":
        return [RUN, suspend_of(app), UNDO]
    return [RESTART, SCALE, suspend_of(app), UNDO, pause_of(app)]


def instances(text: str) -> int | str:
    """The number that a user typed for `scale`: as in a manifest. ValueError, a sentence."""
    text = text.strip()
    if text in ("max", "max-1"):
        return text
    if text.isascii() and text.isdecimal() and len(text) <= 5:
        return int(text)
    raise ValueError(f"{text!r} is not a number of instances; write e.g. 3, max or max-1")


def revision(text: str) -> int | None:
    """The revision that a user typed for `undo`; None where none was: the last good one before."""
    text = text.strip()
    if not text:
        return None
    if text.isascii() and text.isdecimal() and 0 < len(text) <= 9 and int(text) > 0:
        return int(text)
    raise ValueError(f"{text!r} is not the number of a revision; leave it empty for the one before")
