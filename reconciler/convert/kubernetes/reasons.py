"""Fields that no object of Kubernetes has, with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.convert.fields import ANY, Fate, Path

_RUNTIME = "a Pod cannot set it; the container runtime of the node does"
_OUTPUT = "the output of a container is the kubelet's: kubectl logs, and a collector for files"
_AT_EXPORT = "the content is read when it is exported, not while the app runs"
_BUILD = "Kubernetes builds nothing: build and push the image before you apply"
_STEPS = "a Job is not updated in steps: another template is another Job"

REASONS: Mapping[Path, tuple[Fate, str]] = {
    ("cwd",): (
        Fate.DIFFERS,
        "it is the image's own (WORKDIR), since a path of this host means nothing there",
    ),
    ("umask",): (Fate.LOST, "a Pod has none; set it in the program or its entry script"),
    ("env", ANY, "allowEmpty"): (Fate.LOST, _AT_EXPORT),
    ("envFrom", ANY, "allowEmpty"): (Fate.LOST, _AT_EXPORT),
    ("envFrom", ANY, "optional"): (Fate.LOST, _AT_EXPORT),
    ("strategy", "canary"): (
        Fate.LOST,
        "a Deployment has no canary; Argo Rollouts and Flagger have",
    ),
    ("backoff",): (Fate.LOST, "the kubelet's waits are fixed: 10 s, doubled up to 5 minutes"),
    ("successExitCodes",): (Fate.LOST, "only 0 is success in Kubernetes"),
    ("stop", "signal"): (
        Fate.TODO,
        "set it in the image (STOPSIGNAL): not every cluster takes one from a Pod",
    ),
    ("limits", "processes"): (Fate.LOST, "the kubelet has one limit for all Pods (podPidsLimit)"),
    ("limits", "oomScoreAdjust"): (Fate.LOST, "the kubelet sets it by the Pod's requests"),
    ("limits", "cpuAffinity"): (
        Fate.LOST,
        "the kubelet gives whole processors to Pods that reserve whole ones (static policy)",
    ),
    ("limits", ANY): (Fate.LOST, _RUNTIME),
    ("logs", ANY): (Fate.LOST, _OUTPUT),
    ("dependsOn", ANY, "restart"): (Fate.LOST, "an update of another app restarts nothing"),
    ("watch",): (
        Fate.LOST,
        "what an image holds does not change: another image is another revision",
    ),
    ("build",): (Fate.TODO, _BUILD),
    ("restartSchedule",): (
        Fate.LOST,
        "Kubernetes restarts nothing by the clock; a CronJob with rights to run kubectl rollout "
        "restart can",
    ),
    ("timeZone",): (Fate.LOST, "it is for the schedule, which is lost or is not there"),
    ("minReadySeconds",): (Fate.LOST, _STEPS),
    ("progressDeadlineSeconds",): (Fate.LOST, _STEPS),
    ("revisionHistoryLimit",): (Fate.LOST, _STEPS),
    ("strategy",): (Fate.LOST, _STEPS),
    ("startingDeadlineSeconds",): (Fate.LOST, "only a Job with a schedule can be late"),
    ("concurrencyPolicy",): (Fate.LOST, "only a Job with a schedule has runs at one time"),
    ("successfulJobsHistoryLimit",): (Fate.LOST, "a Job without a schedule stays until removed"),
    ("failedJobsHistoryLimit",): (Fate.LOST, "a Job without a schedule stays until removed"),
}
"""By field; a rule is for what no translation took, so those at the end are for Jobs."""
