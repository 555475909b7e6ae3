"""The metrics of prometheus_client, made of the controller's lines (``facts``).

prometheus_client is imported here, and here only: by `recon metrics` and by a worker process, never
by the controller.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    SummaryMetricFamily,
)
from prometheus_client.metrics_core import Metric as Family

from reconciler.api.metrics.names import HEALTH, JOURNAL, METRICS, ROLLOUT, STATES, SYNC, Metric
from reconciler.model.state.tally import BOUNDS, EXITS

_FAMILIES = {
    "gauge": GaugeMetricFamily,
    "counter": CounterMetricFamily,
    "info": InfoMetricFamily,
    "summary": SummaryMetricFamily,
    "histogram": HistogramMetricFamily,
}
_UNITS = ("seconds", "bytes")
Row = Mapping[str, Any]


class Page:
    """All metrics of one moment, as a collector: ``collect`` is what prometheus_client asks."""

    def __init__(self, lines: Iterable[bytes] | None) -> None:
        """``lines``: the controller's; None where none answers."""
        self._families: dict[str, Any] = {}
        self._put("recon_up", (), lines is not None)
        for line in lines or ():
            row = json.loads(line)
            if "app" in row:
                self._app(row)
            else:
                self._controller(row)

    def collect(self) -> Iterator[Family]:
        """In the order of the table."""
        for name in METRICS:
            if name in self._families:
                yield self._families[name]

    def _family(self, name: str) -> Any:
        family = self._families.get(name)
        if family is None:
            metric: Metric = METRICS[name]
            unit = next(({"unit": one} for one in _UNITS if name.endswith(f"_{one}")), {})
            labels = () if metric.type == "info" else metric.labels
            made = _FAMILIES[metric.type](name, metric.help, labels=labels, **unit)
            family = self._families[name] = made
        return family

    def _put(self, name: str, labels: tuple[str, ...], value: float | None) -> None:
        """One sample; none where the value is not known."""
        if value is not None:
            self._family(name).add_metric(labels, float(value))

    def _one_of(self, name: str, labels: tuple[str, ...], all: Iterable[str], is_: str) -> None:
        """1 for what is so, 0 for all else that could be."""
        for word in all:
            self._put(name, (*labels, word), word == is_)

    def _info(self, name: str, **values: str) -> None:
        self._family(name).add_metric((), values)

    # -- the controller ------------------------------------------------------------------------

    def _controller(self, row: Row) -> None:
        self._info("recon_build", version=row["version"], python=row["python"])
        self._put("recon_manifest_errors", (), row["problems"])
        self._one_of("recon_journal_status", (), JOURNAL, row["journal"])
        for reason, type, count in row["events"]:
            self._put("recon_events", (reason, type), count)
        self._put("recon_events_left_out", (), row["eventsLeftOut"])
        self._put("recon_events_lost", (), row["eventsLost"])
        for target, sent, failed, pending in row.get("notifications", ()):
            self._put("recon_notifications_sent", (target,), sent)
            self._put("recon_notifications_failed", (target,), failed)
            self._put("recon_notifications_pending", (target,), pending)
        self._put("recon_queue_depth", (), row["queue"])
        self._passes(row["passes"])
        self._put("recon_reconcile_errors", (), row["failedPasses"])
        self._put("recon_metrics_duration_seconds", (), row["gathered"])
        process = row["process"]
        self._put("process_cpu_seconds", (), process["cpu"])
        self._put("process_resident_memory_bytes", (), process["rss"])
        self._put("process_start_time_seconds", (), process["startTime"])
        self._put("process_open_fds", (), process["openFiles"])
        self._put("process_max_fds", (), process["mostFiles"])

    def _passes(self, passes: Row) -> None:
        buckets, so_far = [], 0
        for bound, count in zip((*map(str, BOUNDS), "+Inf"), passes["buckets"], strict=True):
            so_far += count
            buckets.append((bound, so_far))
        self._family("recon_reconcile_duration_seconds").add_metric((), buckets, passes["seconds"])

    # -- apps ----------------------------------------------------------------------------------

    def _app(self, row: Row) -> None:
        name, app = row["app"], (row["app"],)
        self._info("recon_app", app=name, kind=row["kind"])
        self._one_of("recon_app_sync_status", app, SYNC, row["sync"])
        self._one_of("recon_app_health_status", app, HEALTH, row["health"])
        self._put("recon_app_spec_suspend", app, row["suspended"])
        for state in STATES:
            self._put("recon_app_instances", (name, state), row["states"].get(state, 0))
        self._put("recon_app_revision", app, row["revision"])
        if row["kind"] == "App":
            self._put("recon_app_spec_instances", app, row["desired"])
            self._put("recon_app_instances_ready", app, row["ready"])
            self._put("recon_app_instances_updated", app, row["updated"])
            self._put("recon_app_instances_available", app, row["available"])
            self._put("recon_app_load_held", app, row["held"])
        if row["rollout"]:
            self._one_of("recon_app_rollout_status", app, ROLLOUT, row["rollout"])
        for kind, count in row["drift"].items():
            self._put("recon_app_drift", (name, kind), count)
        self._put("recon_app_memory_limit_bytes", (name, "memory"), row["memoryLimit"])
        self._put("recon_app_memory_limit_bytes", (name, "memoryHard"), row["memoryHard"])
        self._put("recon_app_cpu_limit_cores", app, row["cpuLimit"])
        for number, count in row["restarts"].items():
            self._put("recon_instance_restarts", (name, f"{name}-{number}"), count)
        if row["kind"] == "App":
            for one in row["instances"]:
                self._instance(name, one)
        elif row["instances"]:
            self._instance(name, _together(name, row["instances"]))
        self._tally(name, row["tally"])
        if "job" in row:
            self._job(app, row["job"])

    def _instance(self, app: str, one: Row) -> None:
        labels = (app, one["name"])
        self._put("recon_instance_ready", labels, one["ready"])
        self._put("recon_instance_start_time_seconds", labels, one["startTime"])
        self._put("recon_instance_cpu_seconds", labels, one["cpu"])
        self._put("recon_instance_memory_rss_bytes", labels, one["rss"])
        self._put("recon_instance_memory_pss_bytes", labels, one["pss"])
        self._put("recon_instance_processes", labels, one["processes"])
        self._put("recon_instance_memory_growth_bytes_per_second", labels, one["growth"])
        self._put("recon_instance_memory_limit_reached_seconds", labels, one["left"])

    def _tally(self, app: str, tally: Row) -> None:
        # All of them from the beginning: Prometheus sees no rise where a counter begins with 1.
        for reason, count in {**dict.fromkeys(EXITS, 0), **tally["exits"]}.items():
            self._put("recon_app_exits", (app, reason), count)
        for role, (succeeded, failed, seconds) in tally["probes"].items():
            self._put("recon_probe_checks", (app, role, "success"), succeeded)
            self._put("recon_probe_checks", (app, role, "failure"), failed)
            family = self._family("recon_probe_duration_seconds")
            family.add_metric((app, role), succeeded + failed, seconds)
        for stream, count in tally["logged"].items():
            self._put("recon_log_bytes", (app, f"std{stream}"), count)
        self._put("recon_log_dropped_bytes", (app,), tally["dropped"])

    def _job(self, app: tuple[str], job: Row) -> None:
        self._put("recon_job_active_runs", app, job["active"])
        self._put("recon_job_runs", app, job["runs"])
        self._put("recon_job_last_success_timestamp_seconds", app, job["succeededAt"])
        self._put("recon_job_last_failure_timestamp_seconds", app, job["failedAt"])
        self._put("recon_job_last_run_failed", app, job["lastFailed"])
        self._put("recon_job_last_duration_seconds", app, job["duration"])
        self._put("recon_job_next_run_timestamp_seconds", app, job["nextAt"])


def _together(app: str, runs: list[Row]) -> Row:
    """The processes of a Job as one instance: a label for each run would grow without end."""

    def total(field: str) -> float | None:
        known = [run[field] for run in runs if run[field] is not None]
        return sum(known) if known else None

    sums = {field: total(field) for field in ("rss", "cpu", "processes", "pss")}
    started = max(run["startTime"] for run in runs)
    rest = {"ready": None, "growth": None, "left": None}
    return {"name": app, "startTime": started, **sums, **rest}
