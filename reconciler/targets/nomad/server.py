"""What is asked of a server: jobs, what became of them, plans, variables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Protocol, TypeVar

from reconciler.targets.engine import EngineError
from reconciler.targets.nomad.answers import (
    Allocation,
    Deployment,
    Evaluation,
    Job,
    JobPlan,
    JobStub,
    Server,
    Variable,
    Versions,
    VersionsInFull,
    read,
)
from reconciler.targets.nomad.client import Client, RefusedError, quoted
from reconciler.targets.nomad.handed import is_made
from reconciler.targets.nomad.history import restored
from reconciler.targets.nomad.sight import Live, Run, Stored
from reconciler.targets.requests import each

NEEDED = (1, 5)
"""Release of Nomad: its own services, variables, `*` as a datacenter."""
_FEW = 32
"""Apps of which each is looked at by itself; of more there is one list of everything."""
_RUNS = 5
"""Of a periodic job, that are looked at."""
_REFUSES = {
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.INTERNAL_SERVER_ERROR,
}

Version = tuple[Job, Mapping[str, Any]]


class _OfJob(Protocol):
    @property
    def job_id(self) -> str: ...
    @property
    def create_index(self) -> int: ...


J = TypeVar("J", bound=_OfJob)


class Nomads:
    """One namespace of one server."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def check(self) -> None:
        """EngineError where the server is too old. One that does not say is taken as it is."""
        try:
            found = read(Server, self._client.get("/v1/agent/self"), "the agent")
        except RefusedError as error:
            if error.status in (HTTPStatus.FORBIDDEN, HTTPStatus.UNAUTHORIZED):
                return  # a token without agent:read
            raise
        build = found.member.tags.get("build", "")
        numbers = [int(part) for part in build[:20].split(".")[:2] if part.isdecimal()]
        if len(numbers) == 2 and tuple(numbers) < NEEDED:
            least = ".".join(map(str, NEEDED))
            text = f"Nomad at {self._client.address} is release {build}; {least} or newer is needed"
            raise EngineError(text)

    def stubs(self) -> list[JobStub]:
        """All jobs of the namespace."""
        body = self._client.get("/v1/jobs", {"meta": True})
        found: list[JobStub] = read(list[JobStub], body, "the jobs")
        return found

    def job(self, name: str) -> Job | None:
        body = self._client.find(f"/v1/job/{quoted(name)}")
        found: Job | None = None if body is None else read(Job, body, f"the job {name}")
        return found

    def made(self, stubs: Iterable[JobStub]) -> list[Job]:
        """The jobs of these that recon made, and that are not stopped."""
        parents = [one for one in stubs if not one.parent_id and not one.stop]
        # A release that lists no Meta (before 1.6, or of a job that has none) is asked for each.
        chosen = [one.id for one in parents if one.meta is None or is_made(one.meta)]
        found = each(self.job, chosen)
        return [one for one in found if one is not None and is_made(one.meta) and not one.stop]

    def lives(self, jobs: Sequence[Job], stubs: Sequence[JobStub]) -> dict[str, Live]:
        """What became of each of these jobs."""
        children: dict[str, list[JobStub]] = defaultdict(list)
        for one in sorted(stubs, key=lambda one: one.submit_time, reverse=True):
            if len(children[one.parent_id]) < _RUNS:
                children[one.parent_id].append(one)
        runs = {job.id: children[job.id] if job.periodic is not None else [] for job in jobs}
        names = [job.id for job in jobs]
        all_names = [*names, *(one.id for found in runs.values() for one in found)]
        allocations = self._of("allocations", Allocation, all_names)
        deployments = self._of("deployments", Deployment, names)
        evaluations = self._of("evaluations", Evaluation, names)
        return {
            job.id: Live(
                job,
                tuple(allocations[job.id])
                + tuple(one for run in runs[job.id] for one in allocations[run.id]),
                tuple(deployments[job.id]),
                tuple(evaluations[job.id]),
                tuple(
                    Run(run.id, run.status, run.submit_time, tuple(allocations[run.id]))
                    for run in runs[job.id]
                ),
                self._restored(job, deployments[job.id]),
            )
            for job in jobs
        }

    def deployments(self, name: str) -> list[Deployment]:
        return self._of("deployments", Deployment, [name])[name]

    def allocations(self, name: str) -> list[Allocation]:
        return self._of("allocations", Allocation, [name])[name]

    def versions(self, name: str) -> list[Version]:
        """The newest first, each also as the server has it."""
        body = self._client.get(f"/v1/job/{quoted(name)}/versions")
        found: Versions = read(Versions, body, f"the versions of {name}")
        whole: VersionsInFull = read(VersionsInFull, body, f"the versions of {name}")
        return [*zip(found.versions, whole.versions, strict=True)]

    def plan(self, job: Mapping[str, Any]) -> tuple[JobPlan, str]:
        """What an apply would do, or why the server refuses the job. Nothing changes there."""
        path, name = f"/v1/job/{quoted(job['ID'])}/plan", job["ID"]
        try:
            body = self._client.post(path, {"Job": job, "Diff": True})
        except RefusedError as error:
            if error.status in _REFUSES:
                return JobPlan(), error.text or "it does not say why"
            raise
        return read(JobPlan, body, f"the plan of {name}"), ""

    def register(self, job: Mapping[str, Any], index: int) -> None:
        """Hand a job over. RefusedError where it is not as it was at ``index`` (0: not there)."""
        document = {"Job": job, "EnforceIndex": True, "JobModifyIndex": index}
        self._client.post("/v1/jobs", document)

    def stop(self, name: str) -> None:
        self._client.delete(f"/v1/job/{quoted(name)}")

    def revert(self, name: str, version: int, before: int) -> None:
        document = {"JobID": name, "JobVersion": version, "EnforcePriorVersion": before}
        self._client.post(f"/v1/job/{quoted(name)}/revert", document)

    def pause(self, deployment: str, *, paused: bool) -> None:
        document = {"DeploymentID": deployment, "Pause": paused}
        self._client.post(f"/v1/deployment/pause/{quoted(deployment)}", document)

    def stored(self, path: str, wanted: Mapping[str, str]) -> Stored:
        """The variables at a path, beside those that are wanted."""
        body = self._client.find(f"/v1/var/{path}")
        found = Variable() if body is None else read(Variable, body, f"the variables at {path}")
        return Stored(path, found.items_, wanted, found.modify_index)

    def store(self, one: Stored) -> None:
        """Write them, unless another client changed them since the look: RefusedError."""
        query = {"cas": one.index}
        if one.wanted:
            document = {"Path": one.path, "Items": dict(one.wanted)}
            self._client.put(f"/v1/var/{one.path}", document, query)
        elif one.index:
            self._client.delete(f"/v1/var/{one.path}", query)

    def _of(self, what: str, kind: type[J], names: Sequence[str]) -> dict[str, list[J]]:
        """Allocations, deployments or evaluations by job, the newest first."""
        if len(names) <= _FEW:
            paths = [f"/v1/job/{quoted(name)}/{what}" for name in names]
            bodies = each(self._client.find, paths)
        else:
            bodies = [self._client.get(f"/v1/{what}")]
        by_job: dict[str, list[J]] = defaultdict(list)
        for body in bodies:
            for one in read(list[kind], body or b"[]", f"the {what}"):  # type: ignore[valid-type]
                by_job[one.job_id].append(one)
        for found in by_job.values():
            found.sort(key=lambda one: one.create_index, reverse=True)
        return by_job

    def _restored(self, job: Job, deployments: Sequence[Deployment]) -> int | None:
        """Only where the version before failed its versions are looked at."""
        before = (one for one in deployments if one.job_version == job.version - 1)
        failed = next((one for one in before if one.status == "failed"), None)
        if failed is None or not any(one.auto_revert for one in failed.task_groups.values()):
            return None
        return restored(self.versions(job.id), failed)
