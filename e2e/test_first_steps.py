"""README's walk-through, on the sample manifests."""

from __future__ import annotations

import http.client
import shutil
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.harness import Recon, replace
from tests.waiting import until

SAMPLES = Path(__file__).parents[1] / "manifests"


def ask(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=60) as answer:
            return str(answer.read().decode()).strip()
    except (OSError, http.client.HTTPException):
        return ""


@pytest.fixture
def samples(recon: Recon, unused_port: int) -> Iterator[tuple[Recon, int]]:
    """The sample manifests on ports of the test's own."""
    shutil.copytree(SAMPLES, recon.manifests, dirs_exist_ok=True)
    web = recon.manifests / "web.yaml"
    web.write_text(web.read_text().replace("8080", str(unused_port)))
    yield recon, unused_port


def test_sample_manifests_come_up(samples: tuple[Recon, int]) -> None:
    recon, port = samples
    recon.run()
    recon.healthy("web", ready=2)
    recon.healthy("worker", ready=1)
    until(lambda: recon.of("flaky")["instances"], what="flaky is tried")
    assert ask(port) == f"Hello from port {port}"
    assert ask(port + 1) == f"Hello from port {port + 1}"
    banner = recon.output.read_text()
    assert "3 apps, 4 instances" in banner
    assert "recon status" in banner


def test_edit_is_the_deploy_and_one_instance_answers_at_any_moment(
    samples: tuple[Recon, int],
) -> None:
    recon, port = samples
    recon.run()
    recon.healthy("web", ready=2)
    before = recon.pids("web")
    web = recon.manifests / "web.yaml"
    replace(web, web.read_text().replace("GREETING: Hello", "GREETING: Good morning"))
    silent: list[str] = []

    def rolled() -> bool:
        answers = [ask(port), ask(port + 1)]
        # The first one once more: while the second was asked, it may have been its turn to go.
        if not any(answers) and not ask(port):
            silent.append(str(answers))
        return all(answer.startswith("Good morning") for answer in answers)

    until(rolled, what="both instances greet anew")
    assert not silent
    after = recon.healthy("web", ready=2, revision=2)
    assert not set(before.values()) & {row["pid"] for row in after["instances"]}


def test_crash_is_answered_with_a_new_process(samples: tuple[Recon, int]) -> None:
    import os
    import signal

    recon, _ = samples
    recon.run()
    recon.healthy("worker", ready=1)
    pid = recon.pids("worker")["worker-0"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: recon.pids("worker").get("worker-0", pid) != pid, what="a new worker")
    assert recon.of("worker")["restarts"] == 1
    assert "signal 9" in recon.cli("events", "worker")


def test_broken_file_stops_nothing_and_names_the_place(samples: tuple[Recon, int]) -> None:
    recon, _ = samples
    recon.run()
    recon.healthy("worker", ready=1)
    pids = recon.pids("worker")
    worker = recon.manifests / "worker.yaml"
    good = worker.read_text()
    replace(worker, good.replace("logs:", "lgos:"))
    app = recon.wait("worker", sync="Unknown")
    assert "worker.yaml:12:3" in app["message"] and "did you mean logs?" in app["message"]
    assert recon.pids("worker") == pids
    replace(worker, good)
    recon.healthy("worker", ready=1)
    assert recon.pids("worker") == pids
