"""`recon metrics`: what Prometheus sees of a crash, a rollout, a Job, a controller that is gone."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from e2e.harness import Recon, alive
from e2e.programs import SLEEP
from e2e.test_jobs import decided, job
from tests.api.metrics.pages import OPENMETRICS, Key, key, parsed
from tests.api.metrics.promtool import PROMTOOL, promtool, selectors
from tests.api.metrics.test_alerts import expressions
from tests.waiting import until

_ONLY_OF_LEAKS = {"recon_instance_memory_limit_reached_seconds"}


@contextmanager
def exporter(recon: Recon, output: Path) -> Iterator[str]:
    """`recon metrics --listen`: its address."""
    with output.open("wb") as file:
        process = subprocess.Popen(
            [recon.program, "metrics", "--listen", "127.0.0.1:0"],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env=recon.environment,
        )
    try:
        until(lambda: b"/metrics" in output.read_bytes(), what="it says where it listens")
        found = re.search(r"http://\S+", output.read_text())
        assert found is not None
        yield found[0]
        process.terminate()
        assert process.wait(60) == 0, "SIGTERM is the way to end it"
    finally:
        process.kill()
        process.wait()


def fetch(address: str, accept: str = "") -> str:
    request = urllib.request.Request(address, headers={"Accept": accept})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(answer.read().decode())


def from_socket(path: Path) -> str:
    """``curl --unix-socket recon.sock http://recon/metrics``."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(str(path))
        connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: recon\r\n\r\n")
        answer = b""
        while block := connection.recv(65536):
            answer += block
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    return body.decode()


def test_prometheus_sees_a_crash_a_rollout_a_job_and_a_controller_that_is_gone(
    recon: Recon, tmp_path: Path
) -> None:
    web: dict[str, Any] = {
        "instances": 2,
        "limits": {"memory": "100Mi"},
        "readinessProbe": {"exec": {"command": ["true"]}, "periodSeconds": 1},
    }
    recon.app("web", SLEEP, **web, env={"SECRET": "hunter2"})
    job(recon, "nightly", ["sh", "-c", "echo no; exit 3"], schedule="0 0 1 1 *", backoffLimit=0)
    recon.run()
    recon.healthy("web")
    with exporter(recon, tmp_path / "exporter.out") as address:

        def sees(metric: str, at_least: float, /, **labels: str) -> dict[Key, float]:
            """Until a sample is there with that value, or more; the page."""

            def look() -> dict[Key, float]:
                page = parsed(fetch(address))
                return page if page.get(key(metric, **labels), -1.0) >= at_least else {}

            return until(look, what=f"{metric} {labels} is {at_least}")

        os.kill(recon.pids("web")["web-1"], signal.SIGKILL)
        sees("recon_app_exits_total", 1, app="web", reason="Signal")
        page = sees("recon_instance_restarts_total", 1, app="web", name="web-1")
        assert page[key("recon_instance_restarts_total", app="web", name="web-0")] == 0

        recon.app("web", SLEEP, **web, env={"SECRET": "hunter3"})
        recon.healthy("web", revision=2, updated=2)
        page = sees("recon_app_exits_total", 2, app="web", reason="Stopped")
        assert page[key("recon_app_revision", app="web")] == 2
        assert page[key("recon_app_rollout_status", app="web", status="complete")] == 1
        assert page[key("recon_app_instances_updated", app="web")] == 2
        rss = page[key("recon_instance_memory_rss_bytes", app="web", name="web-0")]
        assert 0 < rss < page[key("recon_app_memory_limit_bytes", app="web", limit="memory")]

        recon.cli("run-job", "nightly", code=None)
        assert decided(recon, "nightly", 1)["outcome"] == "Failed"
        sees("recon_job_last_run_failed", 1, app="nightly")
        job(recon, "nightly", ["true"], schedule="0 0 1 1 *", backoffLimit=0)
        until(lambda: recon.of("nightly")["revision"] == 2, what="the edit is seen")
        recon.cli("run-job", "nightly")
        decided(recon, "nightly", 2)
        page = sees("recon_job_last_success_timestamp_seconds", 1, app="nightly")
        assert page[key("recon_job_last_run_failed", app="nightly")] == 0
        assert page[key("recon_job_runs_total", app="nightly")] == 2

        text = fetch(address)
        assert "hunter" not in text and str(tmp_path) not in text
        _fits_alerts_and_panels(text)
        modern = parsed(fetch(address, OPENMETRICS), openmetrics=True)
        assert modern.keys() == parsed(from_socket(recon.state / "recon.sock")).keys()

        worker = recon.status()["controller"]["pid"]
        recon.kill_controller()
        until(lambda: parsed(fetch(address)) == {key("recon_up"): 0}, what="it says so")
        assert not alive(worker)
        recon.run()
        page = sees("recon_up", 1)
        assert page[key("recon_instance_restarts_total", app="web", name="web-1")] == 1
        assert page[key("recon_job_runs_total", app="nightly")] == 2
        assert page[key("recon_app_exits_total", app="web", reason="Signal")] == 0
    lines = (tmp_path / "exporter.out").read_text().splitlines()
    assert len(lines) == 3 and "recon_up is 0" in lines[1] and "answers again" in lines[2]


def _fits_alerts_and_panels(text: str) -> None:
    """What alerts and dashboard look for is there, and Prometheus finds no fault with it."""
    samples = parsed(text)
    there = {name for name, _ in samples}
    for expression in expressions():
        named = {name for name, _ in selectors(expression)} - _ONLY_OF_LEAKS - {"up"}
        assert named <= there, expression
    if PROMTOOL is not None:  # tests/api/metrics is skipped by name where it is missing
        promtool("check", "metrics", stdin=text)
