"""`apply` and its kin with a real controller in the background, and the same answers without."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import ROOT, Cli
from tests.waiting import until


def stop_controller(cli: Cli) -> None:
    """End the controller and nothing else, as an upgrade does."""
    descriptor = os.pidfd_open(cli.client.version()["pid"])
    signal.pidfd_send_signal(descriptor, signal.SIGTERM)
    os.close(descriptor)
    until(lambda: '"running": false' in cli("status", "-o", "json").out, what="it has left")


def without_usage(text: str) -> Any:
    """A status document less what differs from moment to moment."""
    document = json.loads(text)
    del document["controller"]
    for app in document["apps"]:
        for row in app["instances"]:
            for key in ("rssBytes", "cpuPercent", "uptimeSeconds", "startTime"):
                del row[key]
    return document


def test_apply_starts_a_controller_waits_and_answers_are_the_same_without_it(cli: Cli) -> None:
    cli.app("web")
    before = cli("apply", "--dry-run", "--detailed-exitcode")
    assert before.code == 2
    assert before.out.splitlines() == [
        "+ web   1 instance",
        "Plan: 1 to start, 0 to replace, 0 to stop, 0 unchanged.",
    ]
    done = cli("apply")
    assert done.code == 0, done
    assert "started the controller (pid " in done.out and "The app is ready after " in done.out
    assert cli("apply", "--dry-run", "--detailed-exitcode").code == 0
    assert cli("status", "--detailed-exitcode").code == 0
    path = cli.manifests / "web.yaml"
    status, plan = cli("status", "-o", "json").out, cli("apply", "--dry-run", "-o", "json").out
    described = json.loads(cli("describe", "web", "-o", "json").out)
    assert described["source"] == {"file": str(path), "line": described["source"]["line"]}
    events = cli("events", "web").out
    assert "started pid" in events
    stop_controller(cli)
    try:
        assert without_usage(cli("status", "-o", "json").out) == without_usage(status)
        assert cli("apply", "--dry-run", "-o", "json").out == plan
        offline = json.loads(cli("describe", "web", "-o", "json").out)
        assert offline["revisions"] == described["revisions"]
        assert cli("events", "web").out == events
        assert "nothing can be restarted" in cli("restart", "web").err
    finally:
        assert cli("apply").code == 0  # the next controller, which the fixture stops


def test_change_is_planned_with_its_place_and_rolled_out(cli: Cli) -> None:
    path = cli.app("web")
    assert cli("apply").code == 0
    stop_controller(cli)
    path.write_text(path.read_text().replace("1000", "1001") + "  env: {A: 'b'}\n")
    plan = json.loads(cli("apply", "--dry-run", "-o", "json").out)
    (change,) = plan["changes"]
    assert change["action"] == "update" and change["revision"] == {"from": 1, "to": 2}
    assert [(f["path"], f["line"]) for f in change["fields"]] == [("command", 5), ("env.A", 7)]
    assert cli("apply", "--dry-run", "-o", "markdown").out.count("`env.A`") == 1
    done = cli("apply")
    assert done.code == 0 and "~ web   revision 1 → 2" in done.out


def test_mistake_in_any_file_applies_nothing(cli: Cli) -> None:
    cli.app("good")
    bad = cli.app("bad")
    bad.write_text(bad.read_text() + "  nonsense: 1\n")
    done = cli("apply")
    assert done.code == 1
    assert "manifests/bad.yaml:7:3: spec.nonsense: unknown field" in done.out
    assert "Nothing was applied" in done.err
    assert not cli.state.exists()  # nor was a controller let go


def test_it_runs_our_code_whatever_lies_in_the_folder_one_stands_in(cli: Cli) -> None:
    for name in ("reconciler", "typer", "asyncio"):
        Path(name).mkdir()
        Path(name, "__init__.py").write_text("raise SystemExit('the code of somebody else ran')\n")
    cli.app("web")
    done = cli("apply")
    assert done.code == 0, done


def test_crash_loop_is_told_at_once_with_the_culprits_last_lines(cli: Cli) -> None:
    cli.app("fine")
    cli.app("broken", "[sh, -c, 'echo cannot find the database >&2; exit 3']")
    done = cli("apply", "--timeout", "60s")
    assert done.code == 1
    assert "broken cannot become ready: CrashLoopBackOff: exit 3" in done.out
    assert "broken-0 ! cannot find the database" in done.out
    assert cli("status", "--detailed-exitcode").code == 2


def test_other_manifests_are_refused(cli: Cli) -> None:
    cli.app("web")
    assert cli("apply").code == 0
    other = cli.manifests.with_name("other")
    other.mkdir()
    done = cli("apply", "-m", other)
    assert done.code == 1 and f"serves {cli.manifests}" in done.err


def test_a_profile_is_switched_by_an_edit_and_else_the_way_is_told(cli: Cli) -> None:
    path = cli.app("web")
    more = "  profiles: {dev: {instances: 2}, prod: {instances: 3}}\n"
    path.write_text(path.read_text() + more)
    assert cli("apply").code == 0
    done = cli("apply", "--profile", "dev")
    assert done.code == 1 and not done.out
    assert f"write `profile: dev` into the Settings in {cli.manifests}/recon.yaml" in done.err
    settings = "apiVersion: recon/v1\nkind: Settings\nspec: {profile: dev}\n"
    (cli.manifests / "recon.yaml").write_text(settings)
    until(lambda: " 2/2 " in cli("status").out, what="the edit is the deploy")
    assert cli("apply", "--profile", "dev").code == 0  # which is the one in force
    stop_controller(cli)
    assert cli("apply").code == 0 and " 2/2 " in cli("status").out
    stop_controller(cli)
    assert cli("apply", "--profile", "prod").code == 0 and " 3/3 " in cli("status").out
    done = cli("apply", "--profile", "dev")
    assert done.code == 1 and f"end it with `kill {cli.client.version()['pid']}`" in done.err
    done = cli("apply")
    assert done.code == 1 and "runs with --profile prod; give the same option here" in done.err


def test_ctrl_c_ends_the_waiting_only(cli: Cli) -> None:
    path = cli.app("slow")
    path.write_text(path.read_text() + "  minReadySeconds: 500\n")
    waiting = subprocess.Popen(
        [sys.executable, "-m", "reconciler", "apply"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert waiting.stdout is not None
        until(lambda: "slow: Progressing" in str(waiting.stdout and waiting.stdout.readline()))
        waiting.send_signal(signal.SIGINT)
        _, err = waiting.communicate(timeout=60)
    finally:
        waiting.kill()
        waiting.wait()
    assert waiting.returncode == 130
    assert "the controller continues" in err
    assert cli.client.version()["pid"]


def test_restart_scale_and_down(cli: Cli) -> None:
    cli.app("web")
    assert cli("apply").code == 0

    def pids() -> list[int]:
        (app,) = json.loads(cli("status", "-o", "json").out)["apps"]
        return [row["pid"] for row in app["instances"] if row["pid"] and row["ready"]]

    (first,) = pids()
    assert "web: restarting" in cli("restart", "web").out
    until(lambda: pids() and first not in pids(), what="a new process")
    assert "did you mean web?" in cli("restart", "wbe").err
    assert "the controller applies it" in cli("scale", "web=2").out
    until(lambda: len(pids()) == 2, what="two instances")
    done = cli("down")
    assert (done.code, done.out.splitlines()[-1]) == (0, "all apps are stopped")
    assert '"pid": null' in cli("status", "-o", "json").out


def test_down_ends_adopted_programs_with_children_and_the_controller(cli: Cli) -> None:
    cli.app("parent", "[sh, -c, 'sleep 1000; true']")
    assert cli("apply").code == 0
    stop_controller(cli)
    assert cli("apply").code == 0
    done = cli("down", "--timeout", "30s")
    assert (done.code, done.out.splitlines()[-1]) == (0, "all apps are stopped"), done


def test_logs_are_merged_and_filtered(cli: Cli) -> None:
    cli.app("talker", "[sh, -c, 'echo one; echo two >&2; echo three; exec sleep 1000']")
    assert cli("apply").code == 0
    until(lambda: cli("logs").out.count("\n") == 3, what="all is written")
    assert "talker-0 | one\n" in cli("logs", "talker").out
    assert cli("logs", "--stderr").out == "talker-0 ! two\n"
    assert cli("logs", "--stdout", "--lines", "1").out == "talker-0 | three\n"
    assert cli("logs", "--grep", "^t", "--since", "10m").out.count("\n") == 2
    assert cli("logs", "-l", "tier=none").out == ""
    done = cli("logs", "tolker")
    assert done.code == 1 and "did you mean talker?" in done.err


def test_emptied_directory_waits_and_says_so(cli: Cli) -> None:
    path = cli.app("web")
    assert cli("apply").code == 0
    path.unlink()
    done = cli("apply")
    assert done.code == 1 and "--confirm-prune" in done.out
    assert len(json.loads(cli("status", "-o", "json").out)["apps"][0]["instances"]) == 1
    assert cli("apply", "--confirm-prune").code == 0
    assert json.loads(cli("status", "-o", "json").out)["apps"] == []


def test_base_compares_two_revisions_of_the_manifests(cli: Cli) -> None:
    path = cli.app("web", "[no-such-program-in-ci]")

    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
        subprocess.run(["git", *identity, *words], cwd=cli.manifests, check=True, timeout=60)

    git("init", "-q")
    git("add", ".")
    git("commit", "-q", "-m", "base")
    base = ["apply", "--dry-run", "--detailed-exitcode", "--base"]
    assert cli(*base, "HEAD").code == 0
    path.write_text(path.read_text().replace("5   # short", "7   # short"))
    cli.app("new", "[another-program]")
    done = cli(*base, "HEAD")
    assert done.code == 2, done
    assert "terminationGracePeriodSeconds  5 → 7" in done.out and "in place" in done.out
    assert "+ new   1 instance" in done.out
    assert cli(*base, "no-such-revision").code == 1
    assert not cli.state.exists()


@pytest.mark.parametrize("verb", ["status", "events", "logs", "validate", "apply --dry-run"])
def test_verbs_that_only_look_leave_no_trace(cli: Cli, verb: str) -> None:
    cli.app("web")
    assert cli(*verb.split()).code == 0
    assert not cli.state.exists()


def test_streams_that_cannot_be_told_apart_are_told_instead_of_silence(cli: Cli) -> None:
    file = cli.app("talker", "[sh, -c, 'echo one; echo two >&2; exec sleep 1000']")
    cli.app("apart", "[sleep, '1000']")
    plain = file.read_text()
    file.write_text(plain + "  logs: {merge: true}\n")
    assert cli("apply").code == 0
    until(lambda: cli("logs").out.count("\n") == 2, what="all is written")
    done = cli("logs", "--stderr")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("talker: both streams are in one file, unmarked")
    assert "logs.format: json" in done.err and "Traceback" not in done.err
    done = cli("logs", "--stdout")
    assert (done.code, done.out.count("\n")) == (0, 2) and "are shown as well" in done.err
    done = cli("logs")
    assert (done.code, done.err) == (0, "")
    done = cli("logs", "apart", "--stderr")
    assert (done.code, done.out, done.err) == (0, "", "")
    # One's own way out is not told of again: the next lines have their mark, or their file.
    file.write_text(plain)
    done = cli("logs", "--stderr")
    assert (done.code, done.out, done.err) == (0, "", "")
    file.write_text(plain.replace("one;", "anew;") + "  logs: {merge: true, format: json}\n")
    assert cli("apply").code == 0
    until(lambda: "anew" in cli("logs").out, what="a json line")
    until(lambda: cli("logs", "--stderr").out == "talker-0 ! two\n", what="its mark is read")
    assert cli("logs", "--stderr").err == ""
