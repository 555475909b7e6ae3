"""Jobs: programs that run to their end. Names, meanings and defaults are those of Kubernetes' Job
and CronJob.

Without ``schedule`` a Job runs once for each revision. A run is tried until it succeeds, or has
failed ``backoffLimit`` times more than once.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import field_validator

from reconciler.model.spec.base import Manifest
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.words.fields import in_place
from reconciler.model.words.sentence import InvalidValue
from reconciler.model.words.values import Cron, Seconds, TimeZone, Whole


class ConcurrencyPolicy(StrEnum):
    ALLOW = "Allow"
    FORBID = "Forbid"
    REPLACE = "Replace"


class JobTerms(Manifest):
    """When a Job runs, and how often it is tried."""

    schedule: Cron | None = in_place(
        None,
        "when the Job runs, in cron's syntax; without it, once per revision",
        decides_readiness=False,
    )
    time_zone: TimeZone | None = in_place(
        None, "time zone of `schedule`, e.g. Europe/Berlin [the host's]", decides_readiness=False
    )
    concurrency_policy: ConcurrencyPolicy = in_place(
        ConcurrencyPolicy.ALLOW,
        "if the previous run is still active: Allow both, Forbid the new or Replace the old",
        decides_readiness=False,
    )
    starting_deadline_seconds: Seconds | None = in_place(
        None,
        "skip a run that is late by more; without it, the latest missed run is started late",
        decides_readiness=False,
    )
    backoff_limit: Whole = in_place(
        6, "how many times a failed run is tried again", ge=0, decides_readiness=False
    )
    active_deadline_seconds: Seconds | None = in_place(
        None,
        "a run that takes longer, with all its tries, is stopped and fails",
        gt=0,
        decides_readiness=False,
    )
    successful_jobs_history_limit: Whole = in_place(
        3, "how many successful runs to keep, with their logs", ge=0, decides_readiness=False
    )
    failed_jobs_history_limit: Whole = in_place(
        1, "how many failed runs to keep, with their logs", ge=0, decides_readiness=False
    )

    @field_validator("schedule", mode="before")
    @classmethod
    def _not_empty(cls, value: Any) -> Any:
        """Refuse an empty `schedule:`, which does not mean "now, and never again"."""
        if value is None:
            raise InvalidValue("has no value", "write one, or remove the line")
        return value


class JobSpec(ProgramSpec, JobTerms):
    """Everything about a Job but its name."""
