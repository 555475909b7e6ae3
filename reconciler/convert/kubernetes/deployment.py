"""An App as a Deployment: how many, and how an update replaces them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.convert.engines.draft import Draft
from reconciler.convert.fields import Fate
from reconciler.convert.kubernetes import names

_NONE = (0, "0%")
_ALL = 100


def deployment(draft: Draft, pod: dict[str, Any]) -> dict[str, Any]:
    """The Deployment of these Pods."""
    draft.take("restartPolicy")
    count = draft.take_instances()
    suspended = draft.take("suspend")
    spec: dict[str, Any] = {
        "replicas": 0 if suspended else count,
        "selector": {"matchLabels": names.selector(draft.name)},
        **_pace(draft, pod["containers"][0]),
    }
    kept = draft.take("revisionHistoryLimit")
    spec |= {"revisionHistoryLimit": kept} if kept is not None else {}
    spec |= _strategy(draft)
    spec["template"] = {"metadata": {"labels": names.selector(draft.name)}, "spec": pod}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": names.metadata(draft, draft.name),
        "spec": spec,
    }


def _pace(draft: Draft, container: Mapping[str, Any]) -> dict[str, int]:
    """Kubernetes' default is to be available at once; recon's, without a probe, to be up for a
    second. A probe that was lost speaks for nothing. The deadline must be the later of the two."""
    ready = draft.whole_seconds("minReadySeconds")
    if ready is None:
        ready = 0 if container.keys() & {"readinessProbe", "startupProbe"} else 1
    found = {"minReadySeconds": ready} if ready else {}
    deadline = draft.whole_seconds("progressDeadlineSeconds")
    if deadline is None and ready < 600:
        return found
    return {**found, "progressDeadlineSeconds": max(deadline or 600, ready + 1)}


def _strategy(draft: Draft) -> dict[str, Any]:
    kind = draft.take("strategy", "type")
    surge, down = draft.take("strategy", "maxSurge"), draft.take("strategy", "maxUnavailable")
    if kind == "Recreate":
        for name, value in (("maxSurge", surge), ("maxUnavailable", down)):
            if value is not None:
                text = "has no meaning with Recreate, which stops all at once"
                draft.note(Fate.LOST, text, "strategy", name)
        return {"strategy": {"type": kind}}
    rolling = {} if surge is None else {"maxSurge": surge}
    if down is not None:
        rolling["maxUnavailable"] = _at_most_all(down)
    if surge in _NONE and (down if down is not None else "25%") in _NONE:
        rolling["maxUnavailable"] = 1  # as recon does; Kubernetes refuses two zeros
    if kind is None and not rolling:
        return {}
    found = {"type": "RollingUpdate", **({"rollingUpdate": rolling} if rolling else {})}
    return {"strategy": found}


def _at_most_all(share: Any) -> Any:
    """Kubernetes takes at most 100 %, and more means no more."""
    if isinstance(share, str) and int(share.removesuffix("%")) > _ALL:
        return f"{_ALL}%"
    return share
