"""Alert rules and dashboard: each expression names what there is, and each alert fires."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.api.metrics import names
from reconciler.api.metrics.names import METRICS, samples_of
from reconciler.model.state.tally import EXITS
from tests.api.metrics.promtool import needs_promtool, promtool, selectors
from tests.api.metrics.test_documents import DOCS

ALERTS = DOCS / "alerts.yaml"
_WORDS = {
    "status": {*names.SYNC, *names.HEALTH, *names.ROLLOUT, *names.JOURNAL},
    "state": {*names.STATES},
    "reason": {*EXITS},
    "result": {"success", "failure"},
    "limit": {"memory", "memoryHard"},
    "kind": {"App", "Job"},
    "type": {"Normal", "Warning"},
    "job": {"recon"},
}
_FIRES: dict[str, dict[str, str]] = {
    "ReconDown": {'recon_up{job="recon"}': "0x40"},
    "ReconCrashLoop": {'recon_instance_restarts_total{app="web",name="web-0"}': "0+1x40"},
    "ReconAppDegraded": {'recon_app_health_status{app="web",status="Degraded"}': "1x40"},
    "ReconRolloutFailed": {'recon_app_rollout_status{app="web",status="failed"}': "1x40"},
    "ReconRolloutStuck": {'recon_app_rollout_status{app="web",status="held"}': "1x40"},
    "ReconDrift": {'recon_app_sync_status{app="web",status="OutOfSync"}': "1x40"},
    "ReconManifestErrors": {"recon_manifest_errors": "2x40"},
    "ReconMoreInstancesWait": {'recon_app_load_held{app="web"}': "1x40"},
    "ReconLeakNearLimit": {
        'recon_instance_memory_limit_reached_seconds{app="web",name="web-0"}': "9000x40"
    },
    "ReconOutOfMemory": {'recon_app_exits_total{app="web",reason="OOMKilled"}': "0x20 1x20"},
    "ReconJobFailed": {'recon_job_last_run_failed{app="nightly"}': "1x40"},
    "ReconJobLate": {'recon_job_next_run_timestamp_seconds{app="nightly"}': "60x40"},
    "ReconJournalTrouble": {'recon_journal_status{status="unwritable"}': "1x40"},
    "ReconLogsDropped": {'recon_log_dropped_bytes_total{app="web"}': "0+10x40"},
    "ReconSlow": {"recon_queue_depth": "200x40"},
}
"""What makes each alert fire, as promtool writes series: a value a minute."""
_QUIET = {
    'recon_up{job="recon"}': "1x40",
    'recon_instance_restarts_total{app="web",name="web-0"}': "3x40",
    'recon_app_health_status{app="web",status="Degraded"}': "0x40",
    'recon_app_rollout_status{app="web",status="failed"}': "0x40",
    'recon_app_rollout_status{app="web",status="complete"}': "1x40",
    'recon_app_sync_status{app="web",status="OutOfSync"}': "0x40",
    "recon_manifest_errors": "0x40",
    'recon_app_load_held{app="web"}': "0x40",
    'recon_app_exits_total{app="web",reason="OOMKilled"}': "1x40",
    'recon_app_exits_total{app="web",reason="Error"}': "0+1x40",
    'recon_job_last_run_failed{app="nightly"}': "0x40",
    'recon_job_next_run_timestamp_seconds{app="nightly"}': "4000x40",
    'recon_journal_status{status="unwritable"}': "0x40",
    'recon_events_lost_total{job="recon"}': "7x40",
    'recon_log_dropped_bytes_total{app="web"}': "10x40",
    "recon_queue_depth": "3x40",
}


def rules() -> list[dict[str, Any]]:
    return [
        rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]
    ]


def dashboard() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((DOCS / "grafana.json").read_text())
    return found


def expressions() -> Iterator[str]:
    """Of all alerts and of all panels."""
    yield from (rule["expr"] for rule in rules())
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel["targets"])


@pytest.mark.parametrize("expression", [*expressions()])
def test_an_expression_names_metrics_labels_and_words_that_there_are(expression: str) -> None:
    labels = {s: {*m.labels, "job", "le"} for n, m in METRICS.items() for s in samples_of(n)}
    labels["up"] = {"job"}
    found = selectors(expression)
    assert found
    for name, words in found:
        assert name in labels, name
        for label, word in words:
            assert label in labels[name], f"{name}: {label}"
            assert word in {"$app", "complete", *_WORDS.get(label, ())}, word


def test_every_alert_has_a_severity_and_says_what_it_is_about() -> None:
    for rule in rules():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]
        labels = {"instance", "job"}
        for name, _ in selectors(rule["expr"]):
            labels |= next(
                ({*m.labels} for n, m in METRICS.items() if name in samples_of(n)), set()
            )
        text = " ".join(rule["annotations"].values())
        assert {*re.findall(r"\$labels\.(\w+)", text)} <= labels, rule["alert"]
    assert {rule["alert"] for rule in rules()} == {*_FIRES}


def test_panels_do_not_overlap_and_have_ids_of_their_own() -> None:
    panels = dashboard()["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


@needs_promtool
def test_promtool_finds_nothing_wrong_with_alerts_and_panels(tmp_path: Path) -> None:
    promtool("check", "rules", ALERTS)
    recorded = [
        {"record": f"panel_{number}", "expr": expression.replace("$app", ".*")}
        for number, expression in enumerate(expressions())
    ]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))
    promtool("check", "rules", file)


@needs_promtool
def test_each_alert_fires_when_it_must_and_none_on_a_quiet_day(tmp_path: Path) -> None:
    tests = [_case(name, series, fires=True) for name, series in _FIRES.items()]
    tests += [_case(name, _QUIET, fires=False) for name in _FIRES]
    file = tmp_path / "alerts_test.yaml"
    file.write_text(
        yaml.safe_dump({"rule_files": [str(ALERTS)], "evaluation_interval": "1m", "tests": tests})
    )
    promtool("test", "rules", file)


def _case(name: str, series: dict[str, str], *, fires: bool) -> dict[str, Any]:
    """That the alert fires after 35 minutes, judged by how many series it has then."""
    query = f'count(ALERTS{{alertname="{name}",alertstate="firing"}}) or vector(0)'
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": one, "values": values} for one, values in series.items()],
        "promql_expr_test": [
            {
                "expr": query,
                "eval_time": "35m",
                "exp_samples": [{"labels": "{}", "value": int(fires)}],
            }
        ],
    }
