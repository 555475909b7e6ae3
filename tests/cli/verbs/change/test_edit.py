"""`scale`, `suspend`, `resume`: one value changes, every other byte stays."""

from __future__ import annotations

import os

import pytest

from reconciler.model.host.load import Room
from tests.cli.conftest import Cli


def test_scale_adds_one_line_and_shows_it(cli: Cli) -> None:
    path = cli.app("web")
    before = path.read_bytes()
    done = cli("scale", "web=3")
    assert done.code == 0
    after = path.read_bytes()
    added = [line for line in after.splitlines() if line not in before.splitlines()]
    assert added == [b"  instances: 3"]
    assert after.replace(b"  instances: 3\n", b"") == before
    assert "manifests/web.yaml\n" in done.out and "  +  instances: 3\n" in done.out
    assert "no controller is running; `recon apply` starts one, which applies it" in done.out


def test_scale_to_the_cores_there_are(cli: Cli) -> None:
    path = cli.app("web")
    assert cli("scale", "web=max").code == 0
    assert path.read_text().endswith("  instances: max\n")
    assert "already" in cli("scale", "web=max").out
    cores = len(os.sched_getaffinity(0))
    cli("scale", f"web={cores}")  # the same number, but no longer the host's
    assert path.read_text().endswith(f"  instances: {cores}\n")
    assert cli("scale", "web=max-1").code == 0
    assert path.read_text().endswith("  instances: max-1\n")
    assert cli("scale", "web=most").code == 64


def test_scale_says_at_once_what_will_wait(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.checks.rises.room", lambda *_: Room(memory=100 << 20))
    cli.app("web")
    assert "waits" not in cli("scale", "web=5").out
    done = cli("scale", "web=50")
    assert done.code == 0 and "web: instances 0 → 50 waits: 400Mi of memory needed" in done.out
    assert "run `recon apply --confirm-load`" in done.out


def test_suspend_and_resume(cli: Cli) -> None:
    path = cli.app("web")
    assert cli("suspend", "web").code == 0
    assert b"  suspend: true\n" in path.read_bytes()
    assert cli("resume", "web").code == 0
    assert b"  suspend: false\n" in path.read_bytes()
    again = path.read_bytes()
    assert "suspend is false already" in cli("resume", "web").out
    assert path.read_bytes() == again


JOBS = """\
apiVersion: recon/v1
kind: Job
metadata: {name: first}
spec: {command: sleep 1}
---
apiVersion: recon/v1
kind: Job
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  command: sleep 2
"""


def test_suspend_and_resume_of_a_job_among_others_in_its_file(cli: Cli) -> None:
    path = cli.manifests / "jobs.yaml"
    path.write_text(JOBS)
    assert cli("suspend", "nightly").code == 0
    assert path.read_text() == JOBS + "  suspend: true\n"
    assert cli("resume", "nightly").code == 0
    assert path.read_text() == JOBS + "  suspend: false\n"
    done = cli("scale", "nightly=2")
    assert done.code == 1 and "nightly is a Job, which is one process at a time" in done.err
    assert path.read_text() == JOBS + "  suspend: false\n"


def test_field_that_the_profile_sets_is_edited_in_the_profile(cli: Cli) -> None:
    path = cli.app("web")
    text = path.read_text() + "  instances: 4\n  profiles:\n    dev: {instances: 1}\n"
    path.write_text(text)
    assert cli("scale", "web=2", "--profile", "dev").code == 0
    assert path.read_text() == text.replace("dev: {instances: 1}", "dev: {instances: 2}")
    assert cli("scale", "web=5").code == 0
    assert "  instances: 5\n" in path.read_text()


def test_unknown_app_and_wrong_file_are_sentences(cli: Cli) -> None:
    path = cli.app("web")
    done = cli("scale", "wbe=2")
    assert (done.code, "did you mean web?" in done.err) == (1, True)
    path.write_text(path.read_text() + "  nonsense: 1\n")
    text = path.read_bytes()
    done = cli("scale", "web=2")
    assert done.code == 1 and "manifests/web.yaml:7:3: spec.nonsense: unknown field" in done.err
    assert path.read_bytes() == text
