"""How a process is restarted when it ends, and asked to end."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from reconciler.model.spec.base import Manifest
from reconciler.model.words.values import Command, ExitCode, Seconds, Signal


class RestartPolicy(StrEnum):
    ALWAYS = "Always"
    ON_FAILURE = "OnFailure"
    NEVER = "Never"


def _sorted(codes: tuple[int, ...]) -> tuple[int, ...]:
    """In one order, so that two ways to write the same are one value."""
    return tuple(sorted({*codes}))


ExitCodes = Annotated[tuple[ExitCode, ...], AfterValidator(_sorted)]


class Backoff(Manifest):
    """How long to wait before a program that crashed is started again."""

    initial_seconds: Seconds = Field(
        1, description="wait after the second crash; doubles with each further crash"
    )
    max_seconds: Seconds = Field(60, description="longest wait")
    reset_seconds: Seconds = Field(
        600, description="after running this long, earlier crashes no longer count"
    )


class Stop(Manifest):
    """How a process is asked to end."""

    signal: Signal = Field("SIGTERM", description="sent to the main process")
    pre_stop: Command | None = Field(
        None, description="a command run before the signal, within the grace period"
    )
