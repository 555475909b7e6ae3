"""Fields that no job of Nomad has, with the reason."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.convert.fields import ANY, Fate, Path

_AT_EXPORT = "Nomad reads its own variables, not the file"
_EXEC = "raw_exec isolates nothing; other drivers have settings of their own"
_CLIENT = "a task cannot set it; the program, or the client's service, can"
_CHECK = "Nomad's own checks have no such setting"
_BATCH = "a batch job is not updated in steps"

REASONS: Mapping[Path, tuple[Fate, str]] = {
    ("image",): (Fate.LOST, "the driver runs a program of the client's host, not an image"),
    ("env", ANY, "allowEmpty"): (Fate.LOST, _AT_EXPORT),
    ("envFrom", ANY, "allowEmpty"): (Fate.LOST, _AT_EXPORT),
    ("envFrom", ANY, "optional"): (Fate.LOST, _AT_EXPORT),
    ("group",): (Fate.LOST, "a task has the groups of its user"),
    ("supplementaryGroups",): (Fate.LOST, "a task has the groups of its user"),
    ("noNewPrivileges",): (Fate.LOST, _EXEC),
    ("capabilities",): (Fate.LOST, _EXEC),
    ("readOnlyPaths",): (Fate.LOST, _EXEC),
    ("privateTmp",): (Fate.LOST, _EXEC),
    ("revisionHistoryLimit",): (Fate.LOST, "the server decides (job_tracked_versions)"),
    ("backoff", "resetSeconds"): (Fate.LOST, "tries are counted by interval"),
    ("successExitCodes",): (Fate.LOST, "only 0 is success in Nomad"),
    ("stop", "preStop"): (Fate.LOST, "Nomad runs nothing before the signal"),
    ("limits", ANY): (Fate.LOST, _CLIENT),
    ("logs", "rotate", ANY): (Fate.LOST, "Nomad rotates by size only"),
    ("logs", ANY): (Fate.LOST, "Nomad keeps the output as it is, in the allocation's folder"),
    ("dependsOn",): (
        Fate.LOST,
        "jobs start in any order; the program must try again until the other is there",
    ),
    **{
        (f"{role}Probe", name): (Fate.LOST, _CHECK)
        for role in ("startup", "readiness", "liveness")
        for name in ("initialDelaySeconds", "successThreshold", "failureThreshold")
    },
    ("watch",): (Fate.LOST, "another content of files restarts nothing"),
    ("build",): (Fate.TODO, "Nomad builds nothing: build on the clients before you run the job"),
    ("restartSchedule",): (
        Fate.LOST,
        "Nomad restarts nothing by the clock; a periodic job that runs nomad job restart can",
    ),
    ("timeZone",): (Fate.LOST, "it is for the schedule, which is lost or is not there"),
    ("minReadySeconds",): (Fate.LOST, _BATCH),
    ("progressDeadlineSeconds",): (Fate.LOST, _BATCH),
    ("strategy",): (Fate.LOST, _BATCH),
    ("startingDeadlineSeconds",): (Fate.LOST, "a run that is missed is not made up for"),
    ("concurrencyPolicy",): (Fate.LOST, "only a Job with a schedule has runs at one time"),
    ("successfulJobsHistoryLimit",): (Fate.LOST, "the server removes old runs (job_gc_threshold)"),
    ("failedJobsHistoryLimit",): (Fate.LOST, "the server removes old runs (job_gc_threshold)"),
}
"""By field; a rule is for what no translation took."""
