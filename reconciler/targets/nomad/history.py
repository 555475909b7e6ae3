"""The revisions of a job: Nomad's versions, each with the number of the version and 1. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.model.words.mask import MASK
from reconciler.targets.engine import EngineError, Past
from reconciler.targets.nomad.answers import Deployment, Job

_OF_SERVER = frozenset(
    {
        "CreateIndex",
        "JobModifyIndex",
        "ModifyIndex",
        "NomadTokenID",
        "Stable",
        "Status",
        "StatusDescription",
        "SubmitTime",
        "Version",
        "VersionTag",
    }
)
"""Keys of a version that say nothing of what is declared."""
_STATES = {"failed": "failed", "paused": "paused", "cancelled": "superseded"}


def pasts(
    versions: Sequence[tuple[Job, Mapping[str, Any]]], deployments: Sequence[Deployment]
) -> tuple[Past, ...]:
    """The oldest first. ``versions``: the newest first, each also as the server has it."""
    newest = versions[0][0].version if versions else 0
    by_version = {one.job_version: one for one in reversed(deployments)}
    return tuple(
        Past(
            number=job.version + 1,
            created_at=job.submit_time / 1e9,
            state=_state(job, newest, by_version.get(job.version)),
            digest="",
            template=template(raw),
        )
        for job, raw in reversed(versions)
    )


def _state(job: Job, newest: int, deployment: Deployment | None) -> str:
    known = _STATES.get(deployment.status, "") if deployment is not None else ""
    if job.version != newest:
        return "failed" if known == "failed" else "good" if job.stable else "superseded"
    if known:
        return known
    is_rolling = deployment is not None and deployment.status != "successful"
    return "rolling out" if is_rolling else "running"


def template(raw: Mapping[str, Any]) -> dict[str, object]:
    """What was handed over, as the server filled it in; texts of templates are masked."""
    found = _without_nothing({key: value for key, value in raw.items() if key not in _OF_SERVER})
    return found if isinstance(found, dict) else {}


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        masked = {k: MASK if k == "EmbeddedTmpl" and v else v for k, v in value.items()}
        kept = {key: _without_nothing(below) for key, below in masked.items()}
        return {key: below for key, below in kept.items() if below not in (None, "", [], {}, 0)}
    if isinstance(value, list):
        return [_without_nothing(one) for one in value]
    return value


def same(left: Mapping[str, Any], right: Mapping[str, Any]) -> bool:
    """Whether two versions declare the same."""
    first, second = (
        {key: value for key, value in one.items() if key not in _OF_SERVER} for one in (left, right)
    )
    return first == second


def version_of(app: str, jobs: Sequence[Job], wanted: int) -> int:
    """The version behind a revision; 0: the newest stable one before this one, else the one
    before. EngineError where there is none."""
    now, known = jobs[0].version if jobs else -1, {one.version for one in jobs}
    earlier = [one for one in jobs if one.version < now]
    stable = [one.version for one in earlier if one.stable]
    usual = max(stable or [one.version for one in earlier], default=-1)
    version = wanted - 1 if wanted else usual
    if version in known and version != now:
        return version
    have = ", ".join(str(number + 1) for number in sorted(known)) or "none"
    if wanted and version == now:
        raise EngineError(f"{app} runs revision {wanted} already; Nomad remembers {have}")
    subject = f"revision {wanted}" if wanted else "earlier revision"
    raise EngineError(f"{app} has no {subject}; Nomad remembers {have}")


def restored(
    versions: Sequence[tuple[Job, Mapping[str, Any]]], failed: Deployment | None
) -> int | None:
    """The version that Nomad put back by itself, if the newest one is that: the one before it
    failed, and it is the same as a stable one."""
    if failed is None or not versions or failed.job_version != versions[0][0].version - 1:
        return None
    newest = versions[0][1]
    for job, raw in versions[2:]:
        if job.stable and same(newest, raw):
            return job.version
    return None
