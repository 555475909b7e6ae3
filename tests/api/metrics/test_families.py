"""What becomes of the controller's numbers, as Prometheus' own parser reads it."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.api.metrics.names import METRICS, samples_of
from reconciler.api.metrics.text import text_of
from tests.api.metrics.pages import (
    APP,
    CONTROLLER,
    INSTANCE,
    NIGHTLY,
    OPENMETRICS,
    key,
    lines,
    page,
)


@pytest.mark.parametrize("openmetrics", [False, True])
def test_every_metric_of_the_table_is_on_a_full_page_and_no_other(openmetrics: bool) -> None:
    controller = {**CONTROLLER, "process": {**CONTROLLER["process"], "openFiles": 7}}
    found = {name for name, _ in page(controller, APP, NIGHTLY, openmetrics=openmetrics)}
    assert found == {sample for name in METRICS for sample in samples_of(name)}


def test_every_metric_has_help_and_type_in_both_formats() -> None:
    for accept in ("", OPENMETRICS):
        text = text_of(lines(CONTROLLER, APP, NIGHTLY), accept)[0].decode()
        helps = text.count("# HELP ")
        assert helps == text.count("# TYPE ") == len(METRICS) - 1  # openFiles is unknown here


def test_no_sample_has_a_label_beyond_those_of_the_table() -> None:
    allowed = {
        sample: {*metric.labels, "le"}
        for name, metric in METRICS.items()
        for sample in samples_of(name)
    }
    for name, labels in page(CONTROLLER, APP, NIGHTLY):
        assert {label for label, _ in labels} <= allowed[name], name


def test_no_label_is_one_that_prometheus_sets_itself() -> None:
    for name, metric in METRICS.items():
        assert not {"instance", "job"} & {*metric.labels}, f"{name}: it would be renamed"


def test_the_numbers_of_an_app() -> None:
    found = page(CONTROLLER, APP)
    assert found[key("recon_app_sync_status", app="web", status="OutOfSync")] == 1
    assert found[key("recon_app_sync_status", app="web", status="Synced")] == 0
    assert found[key("recon_app_health_status", app="web", status="Degraded")] == 1
    assert found[key("recon_app_instances", app="web", state="backoff")] == 1
    assert found[key("recon_app_instances", app="web", state="frozen")] == 0
    assert found[key("recon_app_rollout_status", app="web", status="failed")] == 1
    assert found[key("recon_app_drift", app="web", kind="Outdated")] == 2
    assert found[key("recon_app_exits_total", app="web", reason="OOMKilled")] == 2
    assert found[key("recon_app_memory_limit_bytes", app="web", limit="memoryHard")] == 2000
    assert found[key("recon_instance_restarts_total", app="web", name="web-0")] == 4
    assert found[key("recon_instance_memory_rss_bytes", app="web", name="web-0")] == 300
    reached = "recon_instance_memory_limit_reached_seconds"
    assert found[key(reached, app="web", name="web-0")] == 70
    checks = {"app": "web", "probe": "readiness"}
    assert found[key("recon_probe_checks_total", **checks, result="failure")] == 1
    assert found[key("recon_probe_duration_seconds_count", **checks)] == 6
    assert found[key("recon_log_bytes_total", app="web", stream="stderr")] == 20


def test_the_numbers_of_the_controller() -> None:
    found = page(CONTROLLER)
    assert found[key("recon_up")] == 1
    assert found[key("recon_journal_status", status="unwritable")] == 1
    assert found[key("recon_journal_status", status="ok")] == 0
    assert found[key("recon_events_total", reason="Exited", type="Warning")] == 1
    assert found[key("recon_reconcile_duration_seconds_bucket", le="0.0025")] == 3
    assert found[key("recon_reconcile_duration_seconds_bucket", le="+Inf")] == 6
    assert key("process_open_fds") not in found, "what is not known has no sample"


def test_the_runs_of_a_job_are_one_instance_however_many_there_were() -> None:
    runs = [{**INSTANCE, "name": f"nightly-{number}"} for number in (17, 18)]
    found = page(CONTROLLER, {**NIGHTLY, "instances": runs})
    instances = {dict(labels).get("name") for _, labels in found} - {None}
    assert instances == {"nightly", "nightly-0"}  # the second: of `restarts`, which Jobs have none
    assert found[key("recon_instance_memory_rss_bytes", app="nightly", name="nightly")] == 600
    assert key("recon_app_spec_instances", app="nightly") not in found, "it would look not ready"


def test_without_a_controller_only_that_is_said() -> None:
    assert page() == {key("recon_up"): 0}
    assert page(openmetrics=True) == {key("recon_up"): 0}


@pytest.mark.parametrize("name", ["a-b", 'x"y', "back\\slash", "new\nline", "ü"])
def test_any_name_is_read_back_as_it_is(name: str) -> None:
    for openmetrics in (False, True):
        row: dict[str, Any] = {**APP, "app": name, "instances": []}
        found = page(CONTROLLER, row, openmetrics=openmetrics)
        assert found[key("recon_app_spec_instances", app=name)] == 3


@pytest.mark.parametrize(
    "accept",
    ["", "*/*", ";;;", "text/html,", "q=,;q=x", "application/openmetrics-text", "\xff" * 999],
)
def test_whatever_a_client_accepts_it_gets_a_page(accept: str) -> None:
    assert b"recon_up 1.0" in text_of(lines(CONTROLLER), accept)[0]
