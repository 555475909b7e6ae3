"""The lines of a controller, and a page that was parsed by Prometheus' own parser."""

from __future__ import annotations

import json
from typing import Any

from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_classic

from reconciler.api.metrics.text import text_of

OPENMETRICS = "application/openmetrics-text;version=1.0.0"
CONTROLLER: dict[str, Any] = {
    "version": "1.0",
    "python": "3.11",
    "process": {"cpu": 1.5, "rss": 2**20, "startTime": 1e9, "openFiles": None, "mostFiles": 1024},
    "problems": 2,
    "journal": "unwritable",
    "events": [["Started", "Normal", 3], ["Exited", "Warning", 1]],
    "eventsLeftOut": 4,
    "eventsLost": 5,
    "notifications": [["ops", 7, 2, 1]],
    "queue": 6,
    "passes": {"buckets": [1, 2, *[0] * 9, 3], "seconds": 9.5},
    "failedPasses": 1,
    "gathered": 0.01,
}
INSTANCE: dict[str, Any] = {
    "name": "web-0",
    "ready": True,
    "startTime": 1e9,
    "rss": 300,
    "cpu": 2.5,
    "processes": 2,
    "pss": 200,
    "growth": 10.0,
    "left": 70.0,
}
JOB: dict[str, Any] = {
    "active": 1,
    "runs": 9,
    "succeededAt": 1e9,
    "failedAt": 2e9,
    "lastFailed": True,
    "duration": 3.5,
    "nextAt": 3e9,
}
APP: dict[str, Any] = {
    "app": "web",
    "kind": "App",
    "sync": "OutOfSync",
    "health": "Degraded",
    "desired": 3,
    "ready": 1,
    "updated": 2,
    "available": 1,
    "revision": 7,
    "states": {"running": 2, "backoff": 1},
    "drift": {"Outdated": 2},
    "rollout": "failed",
    "held": True,
    "restarts": {"0": 4},
    "instances": [INSTANCE],
    "tally": {
        "exits": {"OOMKilled": 2},
        "probes": {"readiness": [5, 1, 0.75]},
        "logged": {"out": 10, "err": 20},
        "dropped": 30,
    },
    "suspended": False,
    "memoryLimit": 1000,
    "memoryHard": 2000,
    "cpuLimit": 1.5,
}
NIGHTLY: dict[str, Any] = {**APP, "app": "nightly", "kind": "Job", "rollout": "", "job": JOB}

Key = tuple[str, tuple[tuple[str, str], ...]]


def lines(*rows: dict[str, Any]) -> list[bytes]:
    return [json.dumps(row).encode() for row in rows]


def parsed(text: str, *, openmetrics: bool = False) -> dict[Key, float]:
    """By name and labels, sorted: the samples of a page. ValueError where it is no such page."""
    parse = parse_openmetrics if openmetrics else parse_classic
    found: dict[Key, float] = {}
    for family in parse(text):
        assert family.type != "unknown" and family.documentation, family.name
        for sample in family.samples:
            key = sample.name, tuple(sorted(sample.labels.items()))
            assert key not in found, f"{key} twice"
            found[key] = sample.value
    return found


def page(*rows: dict[str, Any], openmetrics: bool = False) -> dict[Key, float]:
    """What these rows become."""
    text, kind = text_of(lines(*rows) if rows else None, OPENMETRICS if openmetrics else "")
    assert ("openmetrics" in kind) is openmetrics
    return parsed(text.decode(), openmetrics=openmetrics)


def key(metric: str, /, **labels: str) -> Key:
    return metric, tuple(sorted(labels.items()))
