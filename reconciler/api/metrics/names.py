"""Every metric: its name, type, labels and help. docs/metrics.md has the same table.

Names and units follow https://prometheus.io/docs/practices/naming and are near
kube-state-metrics'. A label is the name of an app or an instance, or a word of few: never a path, a
user, a message or a value of the environment. The instance is in the label ``name``, since
Prometheus itself sets ``instance`` and ``job`` to say where it fetched a sample.
"""

from __future__ import annotations

from typing import Final, NamedTuple

_APP = ("app",)
_INSTANCE = ("app", "name")


class Metric(NamedTuple):
    """One metric as Prometheus is told of it."""

    type: str
    """``gauge``, ``counter``, ``summary``, ``histogram`` or ``info``."""
    labels: tuple[str, ...]
    help: str


SYNC: Final = ("Synced", "OutOfSync", "Unknown")
HEALTH: Final = ("Healthy", "Progressing", "Degraded", "Suspended", "Missing", "Unknown")
STATES: Final = (
    *("running", "frozen", "stopping", "missing", "waiting", "backoff", "completed", "failed"),
)
ROLLOUT: Final = ("complete", "progressing", "held", "failed")
JOURNAL: Final = ("ok", "setAside", "unwritable", "unreadable")

METRICS: Final[dict[str, Metric]] = {
    "recon_up": Metric("gauge", (), "Whether a controller answers: 1 or 0."),
    "recon_build": Metric("info", ("version", "python"), "The controller's release."),
    # -- apps --------------------------------------------------------------------------------------
    "recon_app": Metric("info", ("app", "kind"), "What is declared: App or Job."),
    "recon_app_sync_status": Metric(
        *("gauge", ("app", "status")), "1 for how what runs compares to the manifest, else 0."
    ),
    "recon_app_health_status": Metric(
        *("gauge", ("app", "status")), "1 for how the app is, else 0."
    ),
    "recon_app_spec_instances": Metric("gauge", _APP, "Instances that are declared."),
    "recon_app_spec_suspend": Metric("gauge", _APP, "1 where the app is suspended, else 0."),
    "recon_app_instances": Metric(
        *("gauge", ("app", "state")), "Instances by state; of a Job, runs that are remembered."
    ),
    "recon_app_instances_ready": Metric("gauge", _APP, "Instances that are ready."),
    "recon_app_instances_updated": Metric(
        *("gauge", _APP), "Instances that run what is declared now."
    ),
    "recon_app_instances_available": Metric(
        *("gauge", _APP), "Instances that have been ready for minReadySeconds."
    ),
    "recon_app_revision": Metric("gauge", _APP, "Number of the declared revision."),
    "recon_app_rollout_status": Metric(
        *("gauge", ("app", "status")), "1 for how the rollout of the revision is, else 0."
    ),
    "recon_app_drift": Metric(
        *("gauge", ("app", "kind")), "Instances that differ from the manifest, by kind of drift."
    ),
    "recon_app_load_held": Metric(
        *("gauge", _APP), "1 where more instances wait for a confirmation, else 0."
    ),
    "recon_app_exits": Metric(
        *("counter", ("app", "reason")), "Ends of processes since the controller started."
    ),
    "recon_app_memory_limit_bytes": Metric(
        *("gauge", ("app", "limit")), "Limit of one instance: memory or memoryHard."
    ),
    "recon_app_cpu_limit_cores": Metric("gauge", _APP, "limits.cpu of one instance."),
    # -- instances ---------------------------------------------------------------------------------
    "recon_instance_ready": Metric("gauge", _INSTANCE, "1 where the instance is ready, else 0."),
    "recon_instance_start_time_seconds": Metric(
        *("gauge", _INSTANCE), "When its process started, since 1970."
    ),
    "recon_instance_restarts": Metric(
        *("counter", _INSTANCE), "Restarts after a crash, over restarts of the controller, too."
    ),
    "recon_instance_cpu_seconds": Metric(
        *("counter", _INSTANCE), "Processor time of its processes and their waited children."
    ),
    "recon_instance_memory_rss_bytes": Metric(
        *("gauge", _INSTANCE), "Resident memory of all its processes; shared pages count for each."
    ),
    "recon_instance_memory_pss_bytes": Metric(
        *("gauge", _INSTANCE), "Proportional memory, where several processes exceed limits.memory."
    ),
    "recon_instance_processes": Metric("gauge", _INSTANCE, "Processes of the instance."),
    "recon_instance_memory_growth_bytes_per_second": Metric(
        *("gauge", _INSTANCE), "How fast memory grows, where it looks like a leak."
    ),
    "recon_instance_memory_limit_reached_seconds": Metric(
        *("gauge", _INSTANCE), "Seconds until a leak reaches limits.memory."
    ),
    # -- probes and logs ---------------------------------------------------------------------------
    "recon_probe_checks": Metric(
        *("counter", ("app", "probe", "result")), "Checks since the controller started."
    ),
    "recon_probe_duration_seconds": Metric(*("summary", ("app", "probe")), "How long checks took."),
    "recon_log_bytes": Metric(
        *("counter", ("app", "stream")), "Output moved into logs since the controller started."
    ),
    "recon_log_dropped_bytes": Metric(
        *("counter", _APP), "Output lost since the controller started, as logs were unwritable."
    ),
    # -- jobs --------------------------------------------------------------------------------------
    "recon_job_active_runs": Metric("gauge", _APP, "Runs that are under way."),
    "recon_job_runs": Metric(
        *("counter", _APP), "Runs ever, over restarts of the controller, too."
    ),
    "recon_job_last_success_timestamp_seconds": Metric(
        *("gauge", _APP), "When a run succeeded last, of those that are remembered."
    ),
    "recon_job_last_failure_timestamp_seconds": Metric(
        *("gauge", _APP), "When a run failed last, of those that are remembered."
    ),
    "recon_job_last_run_failed": Metric(
        *("gauge", _APP), "1 where the last run that ended has failed, else 0."
    ),
    "recon_job_last_duration_seconds": Metric(
        *("gauge", _APP), "How long the last run that ended took, with its retries."
    ),
    "recon_job_next_run_timestamp_seconds": Metric(
        *("gauge", _APP), "The next moment of its schedule."
    ),
    # -- the controller ----------------------------------------------------------------------------
    "recon_manifest_errors": Metric("gauge", (), "Mistakes in the manifests."),
    "recon_journal_status": Metric(*("gauge", ("status",)), "1 for how the journal is, else 0."),
    "recon_events": Metric(
        *("counter", ("reason", "type")), "Events since the controller started."
    ),
    "recon_events_left_out": Metric(
        *("counter", ()), "Events that were summarised, as there were too many of their kind."
    ),
    "recon_events_lost": Metric("counter", (), "Events that could not be written to the journal."),
    "recon_notifications_sent": Metric(
        *("counter", ("target",)), "Messages that were sent, over restarts of the controller, too."
    ),
    "recon_notifications_failed": Metric(
        *("counter", ("target",)), "Messages that were given up or dropped, over restarts, too."
    ),
    "recon_notifications_pending": Metric(
        *("gauge", ("target",)), "Messages that wait to be sent."
    ),
    "recon_queue_depth": Metric("gauge", (), "Apps that wait to be looked at."),
    "recon_reconcile_duration_seconds": Metric(
        *("histogram", ()), "How long one look at an app took, with what was done about it."
    ),
    "recon_reconcile_errors": Metric(
        *("counter", ()), "Looks that failed by an error of the controller, and were tried again."
    ),
    "recon_metrics_duration_seconds": Metric(
        *("gauge", ()), "Time of the controller that these numbers took."
    ),
    "process_cpu_seconds": Metric("counter", (), "Processor time of the controller."),
    "process_resident_memory_bytes": Metric("gauge", (), "Resident memory of the controller."),
    "process_start_time_seconds": Metric("gauge", (), "When the controller started, since 1970."),
    "process_open_fds": Metric("gauge", (), "Open file descriptors of the controller."),
    "process_max_fds": Metric("gauge", (), "Most file descriptors that the controller may have."),
}
"""By name, without the ``_total``, ``_info``, ``_sum``, ``_count``, ``_bucket`` of its samples."""


def samples_of(name: str) -> tuple[str, ...]:
    """The names under which a metric's samples are found."""
    endings = {
        "counter": ("_total",),
        "info": ("_info",),
        "summary": ("_sum", "_count"),
        "histogram": ("_bucket", "_sum", "_count"),
    }.get(METRICS[name].type, ("",))
    return tuple(name + ending for ending in endings)
