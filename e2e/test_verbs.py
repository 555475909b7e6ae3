"""The verbs that look and operate."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pexpect
import pytest

from e2e.harness import PROGRAM, Recon, alive, replace
from e2e.programs import SLEEP
from tests.waiting import until

COMMENTED = """\
# the shop
apiVersion: recon/v1
kind: App
metadata:
  name: web   # do not rename
spec:
  command: [sleep, "100000"]   # runs without end
  instances:   2   # two for now
"""


@pytest.fixture
def running(recon: Recon) -> Recon:
    recon.write("web.yaml", COMMENTED)
    recon.run()
    recon.healthy("web", ready=2)
    return recon


def test_scale_suspend_and_resume_edit_the_file_and_nothing_else_in_it(running: Recon) -> None:
    manifest = running.manifests / "web.yaml"
    running.cli("scale", "web=3")
    assert manifest.read_text() == COMMENTED.replace("2   #", "3   #")
    running.healthy("web", ready=3)
    running.cli("suspend", "web")
    assert manifest.read_text().startswith(COMMENTED.replace("2   #", "3   #").rstrip("\n"))
    running.wait("web", health="Suspended")
    running.cli("resume", "web")
    running.healthy("web", ready=3)
    assert "# two for now" in manifest.read_text()


def test_max_is_the_cores_of_the_controller_whoever_asks(recon: Recon) -> None:
    recon.write("web.yaml", COMMENTED)
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    try:
        recon.run()
    finally:
        os.sched_setaffinity(0, cores)
    recon.healthy("web", ready=2)
    pids = recon.pids("web")
    recon.cli("scale", "web=max")
    assert "instances:   max   # two" in (recon.manifests / "web.yaml").read_text()
    recon.healthy("web", desired=1, ready=1)
    assert recon.pids("web") == {"web-0": pids["web-0"]}, "in place"
    assert "No changes" in recon.cli("apply", "--dry-run")


def test_describe_and_events_tell_the_story(running: Recon) -> None:
    text = running.cli("describe", "web")
    for expected in ("web.yaml", "Healthy", "web-0", "NewReplicaSetAvailable", "Started"):
        assert expected in text
    assert "RolloutComplete" in running.cli("events")
    assert "no app" in running.cli("describe", "nobody", code=1)
    assert "no app" in running.cli("restart", "nobody", code=1)


def test_status_in_json_is_what_the_controller_answers(running: Recon) -> None:
    """All other tests ask the controller itself (``Recon.status``)."""
    printed, answered = running.json("status"), running.status()
    assert printed["controller"]["running"]
    for document in (printed, answered):
        for row in document["apps"][0]["instances"]:
            assert row.pop("uptimeSeconds") > 0 and row.pop("rssBytes") > 0
            del row["cpuPercent"]
    assert printed == answered


def test_tables_fit_80_columns(running: Recon) -> None:
    running.write("bad.yaml", "apiVersion: recon/v1\nkind: App\nnonsense: " + "x" * 200 + "\n")
    running.app("crashes", ["false"])
    running.environment["COLUMNS"] = "80"
    until(lambda: running.of("crashes").get("restarts", 0) > 1, what="it crashed")
    for verb in (["status"], ["status", "crashes"]):
        table, _, _sentences = running.cli(*verb, code=None).partition("\n\n")
        for line in table.splitlines():
            assert len(line) <= 80, line


def test_down_stops_everything_with_and_without_a_controller(recon: Recon) -> None:
    recon.app("web", SLEEP, instances=2)
    for crashed in (False, True):
        recon.run()
        recon.healthy("web", ready=2)
        pids = recon.pids("web").values()
        if crashed:
            recon.kill_controller()
        recon.cli("down")
        recon.controller = None
        assert not any(alive(pid) for pid in pids)
        assert not recon.answers()


def test_ctrl_c_on_a_terminal_stops_the_apps_gracefully(recon: Recon) -> None:
    recon.app("web", SLEEP)
    terminal = pexpect.spawn(str(PROGRAM), ["run"], env=recon.environment, timeout=60)
    try:
        recon.healthy("web", ready=1)
        pid = recon.pids("web")["web-0"]
        terminal.sendintr()
        terminal.expect("all apps are stopped")
        terminal.expect(pexpect.EOF)
        assert not alive(pid)
    finally:
        terminal.close(force=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="SKIPPED: a pid namespace needs root")
def test_as_pid_1_sigterm_stops_everything_and_orphans_are_reaped(recon: Recon) -> None:
    recon.app("web", SLEEP)
    recon.app("orphans", ["sh", "-c", "(sleep 0.1 &) ; exec sleep 100000"])
    container = subprocess.Popen(
        ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child", str(PROGRAM), "run"],
        env=recon.environment,
        stdout=subprocess.DEVNULL,
    )
    try:
        recon.healthy("web", ready=1)
        children = f"/proc/{container.pid}/task/{container.pid}/children"
        with open(children, encoding="ascii") as file:
            init = int(file.read().split()[0])
        until(lambda: not _zombies(init), what="orphans are reaped")
        descriptor = os.pidfd_open(init)
        signal.pidfd_send_signal(descriptor, signal.SIGTERM)
        assert container.wait(timeout=60) == 0
    finally:
        container.kill()
        container.wait()


def _zombies(parent: int) -> list[str]:
    listing = subprocess.run(
        ["ps", "-o", "stat=", "--ppid", str(parent)], capture_output=True, text=True, check=False
    )
    return [line for line in listing.stdout.split() if line.startswith("Z")]


def test_init_schema_explain_and_help_work_without_anything(recon: Recon) -> None:
    target = recon.manifests / "fresh"
    recon.cli("init", str(target))
    recon.cli("validate", str(target))
    schema = json.loads(recon.cli("schema"))
    assert "maxSurge" in json.dumps(schema)
    text = recon.cli("explain", "spec.strategy.maxSurge")
    assert "25%" in text and "in place" in text
    assert "did you mean" in recon.cli("explain", "spec.strategy.maxSurg", code=None)
    for verb in ("run", "apply", "status", "logs", "scale", "down"):
        assert verb in recon.cli("--help")
    recon.cli("status", "--no-such-option", code=64)
    recon.cli("no-such-verb", code=64)


def test_python_m_reconciler_is_recon(recon: Recon) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "reconciler", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == recon.cli("--version")


def test_status_watch_redraws_when_something_changes(running: Recon) -> None:
    terminal = pexpect.spawn(
        str(PROGRAM), ["status", "--watch"], env=running.environment, timeout=60
    )
    try:
        terminal.expect("2/2")
        running.cli("scale", "web=1")
        terminal.expect("1/1")
        terminal.sendintr()
        terminal.expect(pexpect.EOF)
    finally:
        terminal.close(force=True)


def test_top_is_drawn_again_sorts_and_ends_with_q(running: Recon) -> None:
    terminal = pexpect.spawn(str(PROGRAM), ["top"], env=running.environment, timeout=60)
    try:
        terminal.expect("sorted by memory")
        terminal.send("c")
        terminal.expect("sorted by cpu")
        terminal.send("q")
        terminal.expect(pexpect.EOF)
        terminal.wait()
        assert terminal.exitstatus == 0
    finally:
        terminal.close(force=True)


def test_from_another_directory_the_running_controllers_manifests_are_meant(
    running: Recon, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    del running.environment["RECON_MANIFESTS"]

    def recon(*words: str) -> str:
        done = subprocess.run(
            [PROGRAM, *words],
            cwd=elsewhere,
            env=running.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    assert "suspend: true" in recon("suspend", "web")
    running.wait("web", health="Suspended")
    recon("resume", "web")
    assert "web" in recon("doctor", "web", "--all")


def test_a_file_gets_whole_messages_and_a_selector_that_matches_nothing_says_so(
    running: Recon,
) -> None:
    running.write("web.yaml", COMMENTED.replace("instances:", "restartPolicy: Sometimes #"))
    running.wait("web", sync="Unknown")
    (line,) = [one for one in running.cli("status").splitlines() if one.startswith("web ")]
    assert line == line.rstrip("…") and "must be" in line and line.endswith("Running revision 1")
    assert running.cli("status", "-l", "tier=none").strip() == "No app matches -l tier=none."
    assert running.json("status", "-l", "tier=none")["apps"] == []


def test_the_foreground_shows_what_happens(recon: Recon) -> None:
    manifest = recon.app("web", SLEEP)
    terminal = pexpect.spawn(
        str(PROGRAM), ["run"], env=recon.environment, timeout=60, dimensions=(40, 200)
    )
    try:
        terminal.expect("Started +started pid")
        replace(manifest, "kind: Ap\n")
        terminal.expect("ManifestInvalid +.*web.yaml:1:7")
        recon.app("web", SLEEP, env={"V": "2"})
        terminal.expect("ManifestValid")
        terminal.expect("RolloutComplete")
        terminal.sendintr()
        terminal.expect("all apps are stopped")
        terminal.expect(pexpect.EOF)
    finally:
        terminal.close(force=True)
    told = recon.cli("events")
    for reason in ("ControllerStarted", "ManifestInvalid", "ManifestValid", "ControllerStopped"):
        assert reason in told
