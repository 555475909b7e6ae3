"""The API of a cluster. lightkube knows kubeconfigs and speaks HTTP; here are sentences.

Objects are plain data: no model of one release stands between the manifest and the server.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

from reconciler.targets.engine import EngineError

Object = dict[str, Any]
MANAGER = "recon"
_TIMEOUT = 20.0
"""Seconds of one request."""
_PAGE = 500
"""Objects that the server gives at once."""
_KINDS = {
    "Deployment": ("apps", "v1", "deployments"),
    "ReplicaSet": ("apps", "v1", "replicasets"),
    "Job": ("batch", "v1", "jobs"),
    "CronJob": ("batch", "v1", "cronjobs"),
    "Service": ("", "v1", "services"),
    "Secret": ("", "v1", "secrets"),
    "Pod": ("", "v1", "pods"),
    "Event": ("", "v1", "events"),
}


class Conflict(NamedTuple):
    """A field that another manager owns."""

    manager: str
    field: str


class Answer(NamedTuple):
    """What the server makes, or would make, of an object."""

    made: Object | None = None
    conflicts: tuple[Conflict, ...] = ()
    refusal: str = ""
    """Why it does not take the object, in its own words."""


class Cluster:
    """One cluster and one namespace of it: those of a context. EngineError from each method."""

    def __init__(self, context: str = "") -> None:
        try:
            import httpx2  # noqa: PLC0415  an optional package
            import lightkube  # noqa: PLC0415
            from lightkube.core import exceptions  # noqa: PLC0415
        except ImportError:
            raise EngineError(
                "--target kubernetes needs the package lightkube; "
                "pip install 'recon-reconciler[kubernetes]' brings it"
            ) from None
        self._api_error = exceptions.ApiError
        self._errors = (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError)
        self._kinds = _resources()
        try:
            config = lightkube.KubeConfig.from_env().get(context or None)
            self._client = lightkube.Client(config, timeout=httpx2.Timeout(_TIMEOUT))
        except (exceptions.ConfigError, *self._errors) as error:
            where = f"the context {context!r}" if context else "a cluster"
            raise EngineError(
                f"{where} cannot be read from the kubeconfig: {_first(error)}; "
                "`kubectl config get-contexts` lists what there is"
            ) from None
        self.namespace = self._client.namespace
        self.name = f"kubernetes:{context}" if context else "kubernetes"

    def get(self, kind: str, name: str) -> Object | None:
        """An object; None where there is none."""
        with self._asking():
            try:
                return dict(self._client.get(self._kinds[kind], name))
            except self._api_error as error:
                if error.status.code == 404:
                    return None
                raise
        return None

    def list(self, kind: str, labels: Mapping[str, str]) -> list[Object]:
        """The objects with these labels. They do not say their kind in a list; here they do."""
        group, version, _ = _KINDS[kind]
        with self._asking():
            try:
                found = [*self._client.list(self._kinds[kind], chunk_size=_PAGE, labels={**labels})]
            except self._api_error as error:
                if error.status.code == 404:  # a server before 1.21 has no CronJob of batch/v1
                    return []
                raise
            reported = {"kind": kind, "apiVersion": f"{group}/{version}".lstrip("/")}
            return [{**one, **reported} for one in found]
        return []

    def propose(self, wanted: Object, *, dry_run: bool, force: bool) -> Answer:
        """Server-side apply. What the server refuses is an answer, and no error."""
        resource = self._kinds[wanted["kind"]]
        with self._asking():
            try:
                made = self._client.apply(
                    resource(**wanted), field_manager=MANAGER, force=force, dry_run=dry_run
                )
                return Answer(dict(made))
            except self._api_error as error:
                status = error.status
                if status.code == 409 and (conflicts := _conflicts(status)):
                    return Answer(conflicts=conflicts)
                if status.code in (400, 403, 404, 409, 422):
                    return Answer(refusal=_first(status.message or status.reason))
                raise
        return Answer()

    def patch(self, kind: str, name: str, patch: Object, manager: str) -> None:
        """A strategic merge patch, under the name of its own manager."""
        with self._asking():
            self._client.patch(self._kinds[kind], name, patch, field_manager=manager)

    def delete(self, kind: str, name: str) -> None:
        """With what belongs to it, in the background; one that is gone is no error."""
        from lightkube.types import CascadeType  # noqa: PLC0415  an optional package

        with self._asking():
            try:
                self._client.delete(self._kinds[kind], name, cascade=CascadeType.BACKGROUND)
            except self._api_error as error:
                if error.status.code != 404:
                    raise

    def log(self, pod: str, container: str, *, lines: int | None, follow: bool) -> Iterator[str]:
        """Lines that begin with their time (RFC 3339)."""
        with self._asking():
            yield from self._client.log(
                pod,
                container=container,
                tail_lines=lines,
                follow=follow,
                timestamps=True,
                newlines=False,
            )

    def _asking(self) -> _Asking:
        return _Asking(self)

    def explained(self, error: BaseException) -> EngineError | None:
        """The sentence for an error of the library; None for one that is recon's own."""
        if isinstance(error, self._api_error):
            reported = _first(error.status.message or error.status.reason or error)
            return EngineError(f"{self.name} refuses: {reported}")
        if isinstance(error, self._errors):
            reported = _first(error) or type(error).__name__
            return EngineError(
                f"{self.name} does not answer: {reported}; `kubectl get nodes` asks it"
            )
        return None


@cache
def _resources() -> dict[str, Any]:
    """By kind; the library takes each once for a whole process."""
    from lightkube.generic_resource import create_namespaced_resource  # noqa: PLC0415

    return {
        kind: create_namespaced_resource(group, version, kind, plural)
        for kind, (group, version, plural) in _KINDS.items()
    }


class _Asking:
    """What the library raises becomes a sentence."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is not None and (sentence := self._cluster.explained(error)):
            raise sentence from None


def _conflicts(status: Any) -> tuple[Conflict, ...]:
    """Of the Status of an apply that was refused: ``conflict with "NAME" using apps/v1``."""
    causes = status.details.causes if status.details and status.details.causes else ()
    found = []
    for cause in causes:
        if cause.reason == "FieldManagerConflict":
            _, _, rest = (cause.message or "").partition('"')
            found.append(Conflict(rest.partition('"')[0] or "another", cause.field or ""))
    return tuple(found)


def _first(reported: object) -> str:
    """The first line of what a server or a library says, which may be long."""
    lines = str(reported).strip().splitlines() or [""]
    return lines[0][:500]
