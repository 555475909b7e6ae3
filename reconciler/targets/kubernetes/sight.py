"""What a look at a cluster finds: plain data, on which the plan and the status are made."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from reconciler.convert.kubernetes.names import MANAGED_BY, NAME
from reconciler.targets.kubernetes.client import Answer, Object

PART_OF = "app.kubernetes.io/part-of"
REVISION = "deployment.kubernetes.io/revision"
WORKLOADS = ("Deployment", "Job", "CronJob")
_DIGITS = 12
"""Of a number that is one."""
KINDS = (*WORKLOADS, "Service", "Secret")
"""What recon makes, in the order in which it is looked at."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """An object that is declared, what is there of it, and what the server would make of it."""

    app: str
    wanted: Object
    live: Object | None
    answer: Answer

    @property
    def kind(self) -> str:
        return str(self.wanted["kind"])

    @property
    def name(self) -> str:
        return str(self.wanted["metadata"]["name"])

    @property
    def is_foreign(self) -> bool:
        """There is one of this name that recon did not make, or that another directory did."""
        if self.live is None:
            return False
        own, theirs = labels(self.wanted), labels(self.live)
        if theirs.get(MANAGED_BY) != "recon":
            return True
        other = theirs.get(PART_OF)
        return other is not None and other != own.get(PART_OF)


@dataclass(frozen=True, slots=True)
class Sight:
    """One look."""

    proposals: tuple[Proposal, ...]
    made: tuple[Object, ...]
    """Every object of recon's that is there, of this directory as far as that is known."""
    runs: tuple[Object, ...] = ()
    """Jobs that CronJobs made."""
    sets: tuple[Object, ...] = ()
    """ReplicaSets."""
    pods: tuple[Object, ...] = ()
    unread: frozenset[str] = frozenset()
    """The apps whose secrets cannot be read here, so that nothing is known of their Secrets."""

    def stale(self) -> list[Object]:
        """What was made, and is declared no more. The Job of an earlier revision, of an app that
        is declared, may end first."""
        wanted = {(one.kind, one.name) for one in self.proposals}
        declared = {one.app for one in self.proposals}
        return [
            one
            for one in self.made
            if (one["kind"], name(one)) not in wanted
            and not (app_of(one) in declared and _is_at_work(one))
            and not (one["kind"] == "Secret" and app_of(one) in self.unread)
        ]


def name(one: Object) -> str:
    return str(one["metadata"]["name"])


def labels(one: Object) -> Mapping[str, str]:
    return one.get("metadata", {}).get("labels") or {}


def revision(one: Object) -> int:
    """Of a Deployment or a ReplicaSet the number that its controller gave; 0 where it gave none."""
    number = (one.get("metadata", {}).get("annotations") or {}).get(REVISION, "")
    return int(number) if number.isdecimal() and len(number) < _DIGITS else 0


def seconds(stamp: str | None) -> float | None:
    """A moment (RFC 3339), since 1970; None where there is none."""
    try:
        return datetime.fromisoformat(stamp).timestamp() if stamp else None
    except ValueError:
        return None


def app_of(one: Object) -> str:
    """The app that an object of recon's belongs to; empty where it does not say."""
    return labels(one).get(NAME, "")


def owned(objects: Iterable[Object], owner: Object) -> list[Object]:
    """Those of these that ``owner`` made."""
    uid = owner["metadata"].get("uid")
    return [
        one
        for one in objects
        if any(ref.get("uid") == uid for ref in one["metadata"].get("ownerReferences") or ())
    ]


def labelled(one: Object, part_of: str | None) -> Object:
    """The object with the label of its directory. Its Pods do not get it, so none is replaced."""
    if part_of is None:
        return one
    metadata: dict[str, Any] = one["metadata"]
    more = {**metadata["labels"], PART_OF: part_of}
    return {**one, "metadata": {**metadata, "labels": more}}


def ended(job: Object) -> bool:
    """Whether a Job has completed or failed."""
    conditions = job.get("status", {}).get("conditions") or ()
    return any(c["type"] in ("Complete", "Failed") and c["status"] == "True" for c in conditions)


def _is_at_work(one: Object) -> bool:
    return one["kind"] == "Job" and not ended(one)
