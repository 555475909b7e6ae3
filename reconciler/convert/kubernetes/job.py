"""What runs to its end: a Job, or a CronJob where it has a schedule.

The template of a Job can never change, and recon runs a Job once for each revision. So the name of
a Job has a digest of what it is made of: an edit is another Job.
"""

from __future__ import annotations

from typing import Any

from reconciler.convert.engines.draft import Draft
from reconciler.convert.fields import Fate
from reconciler.convert.kubernetes import names
from reconciler.convert.kubernetes.schedule import schedule

_LONGEST_CRON_JOB = 52
"""The name of each run has eleven characters more."""
_ENDLESS = 2**31 - 1


def job(draft: Draft, pod: dict[str, Any]) -> dict[str, Any]:
    """The Job or CronJob of these Pods."""
    pod["restartPolicy"] = "Never"
    spec = _run(draft) if draft.is_job else _instances(draft, pod)
    suspended = draft.take("suspend")
    by_clock = draft.is_job and draft.peek("schedule") is not None
    if suspended and not by_clock:
        spec["suspend"] = True
    spec["template"] = {"metadata": {"labels": names.selector(draft.name)}, "spec": pod}
    if not by_clock:
        # Two that differ in `suspend` are one Job, which is resumed.
        made_of = {name: value for name, value in spec.items() if name != "suspend"}
        name = names.with_digest(draft.name, made_of)
        metadata = names.metadata(draft, name)
        return {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata, "spec": spec}
    name = draft.name
    if len(name) > _LONGEST_CRON_JOB:
        name = names.with_digest(name, {}, _LONGEST_CRON_JOB)
        text = f"the CronJob is named {name}: Kubernetes takes at most {_LONGEST_CRON_JOB} letters"
        draft.note(Fate.DIFFERS, text, "metadata", "name")
    of_runs = schedule(draft)
    if suspended:
        of_runs["suspend"] = True
    labels = {"labels": names.selector(draft.name)}  # by which its runs are found
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": names.metadata(draft, name),
        "spec": {**of_runs, "jobTemplate": {"metadata": labels, "spec": spec}},
    }


def _run(draft: Draft) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    tries = draft.take("backoffLimit")
    spec |= {"backoffLimit": tries} if tries is not None else {}
    deadline = draft.whole_seconds("activeDeadlineSeconds", least=1)
    spec |= {"activeDeadlineSeconds": deadline} if deadline is not None else {}
    return spec


def _instances(draft: Draft, pod: dict[str, Any]) -> dict[str, Any]:
    """An App that ends: each of its instances has to succeed, or is tried once."""
    count = draft.take_instances()
    again = draft.take("restartPolicy") == "OnFailure"
    text = "it is a Job, since a Deployment restarts all that ends: without updates in steps"
    draft.note(Fate.DIFFERS, text, "restartPolicy")
    if again:
        pod["restartPolicy"] = "OnFailure"
    spec: dict[str, Any] = {"backoffLimit": _ENDLESS if again else 0}
    if count != 1:
        spec |= {"completions": count, "parallelism": count, "completionMode": "Indexed"}
    return spec
