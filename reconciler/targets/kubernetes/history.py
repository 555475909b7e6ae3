"""The revisions of a Deployment: its ReplicaSets, as `kubectl rollout history` reads them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from reconciler.targets.engine import EngineError, Past
from reconciler.targets.kubernetes.client import Object
from reconciler.targets.kubernetes.sight import name, revision, seconds

_HASH = "pod-template-hash"
_CONTROLLERS = "deployment.kubernetes.io/"
"""Annotations that the Deployment's controller writes."""


def pasts(deployment: Object, sets: Iterable[Object]) -> tuple[Past, ...]:
    """The oldest first."""
    now = revision(deployment)
    return tuple(
        Past(
            number=revision(one),
            created_at=seconds(one["metadata"].get("creationTimestamp")) or 0.0,
            state=_state(deployment, one, now),
            digest=one["metadata"].get("labels", {}).get(_HASH, ""),
            template=_template(one),
        )
        for one in sorted(sets, key=revision)
    )


def template_of(deployment: Object, sets: Iterable[Object], wanted: int) -> tuple[int, Object]:
    """The number and the template of a revision; 0: the newest before this one. EngineError."""
    now = revision(deployment)
    known = {revision(one): one for one in sets}
    earlier = [number for number in known if number < now]
    number = wanted or max(earlier, default=0)
    if number not in known:
        have = ", ".join(map(str, sorted(known))) or "none"
        query = f"revision {wanted}" if wanted else "an earlier revision"
        raise EngineError(f"{name(deployment)} has no {query}; the cluster remembers {have}")
    return number, _template(known[number])


def applied(deployment: Object, template: Object) -> Object:
    """The Deployment with this template, to be applied whole: a field that an apply leaves out is
    taken away. A patch would be another owner of the fields, beside the applies of recon."""
    metadata = deployment["metadata"]
    own = {
        key: text
        for key, text in (metadata.get("annotations") or {}).items()
        if not key.startswith(_CONTROLLERS)
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name(deployment), "labels": metadata["labels"], "annotations": own},
        "spec": {**deployment["spec"], "template": template},
    }


def newest(deployments: Iterable[Object]) -> Object:
    """The one that was made last, of those with the label of one app."""
    return max(deployments, key=lambda one: str(one["metadata"].get("creationTimestamp", "")))


def _state(deployment: Object, one: Object, now: int) -> str:
    if revision(one) != now:
        return "superseded"
    status = deployment.get("status", {})
    wanted = deployment["spec"].get("replicas", 1)
    if deployment["spec"].get("paused"):
        return "paused"
    done = status.get("updatedReplicas", 0) == wanted == status.get("availableReplicas", 0)
    return "running" if done else "rolling out"


def _template(one: Object) -> dict[str, Any]:
    """Without the label by which the ReplicaSet knows its own Pods."""
    template = one["spec"]["template"]
    metadata = template.get("metadata", {})
    labels = {key: text for key, text in metadata.get("labels", {}).items() if key != _HASH}
    return {**template, "metadata": {**metadata, "labels": labels}}
