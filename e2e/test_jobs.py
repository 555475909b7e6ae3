"""Jobs: once for each revision or by the clock, tried until they succeed, remembered with logs."""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from e2e.harness import Recon, alive
from e2e.programs import SLEEP, python
from tests.waiting import until


def job(recon: Recon, name: str, command: str | list[str], **spec: Any) -> Path:
    """Write the manifest of one Job."""
    document = {
        "apiVersion": "recon/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"command": command, **spec},
    }
    return recon.write(f"{name}.yaml", json.dumps(document, indent=2))


def until_there(file: Path) -> str:
    """Code that waits for a file."""
    return f"import os, time\nwhile not os.path.exists({str(file)!r}): time.sleep(0.01)\n"


def runs(recon: Recon, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = recon.of(name)["runs"]
    return found


def later_runs(recon: Recon, name: str) -> list[dict[str, Any]]:
    """All but the first."""
    return runs(recon, name)[1:]


def decided(recon: Recon, name: str, number: int) -> dict[str, Any]:
    """The run of this number, once it has succeeded or failed."""

    def find() -> dict[str, Any] | None:
        found = (run for run in runs(recon, name) if run["number"] == number)
        return next((run for run in found if run["outcome"] != "Active"), None)

    found = until(find, what=f"run {number} of {name} is decided")
    assert found is not None
    return found


def set_clock_back(recon: Recon, name: str, seconds: float) -> None:
    """As if nobody had looked at the schedule for so long: the controller was down."""
    with sqlite3.connect(recon.state / "recon.db") as db:
        query = "SELECT memory FROM app WHERE name = ?"
        memory = json.loads(db.execute(query, (name,)).fetchone()[0])
        memory["scheduled_until"] = time.time() - seconds
        db.execute("UPDATE app SET memory = ? WHERE name = ?", (json.dumps(memory), name))
    db.close()


def test_a_job_runs_once_for_each_revision(recon: Recon) -> None:
    job(recon, "migrate", ["sh", "-c", "echo $STEP"], env={"STEP": "one"})
    assert "runs once: sh -c" in recon.cli("apply", "--dry-run")
    recon.cli("apply")
    app = recon.healthy("migrate")
    assert [(run["why"], run["outcome"]) for run in app["runs"]] == [("revision 1", "Succeeded")]
    recon.cli("apply")
    assert len(runs(recon, "migrate")) == 1
    # An edit in place is no other revision, one of the template is.
    job(recon, "migrate", ["sh", "-c", "echo $STEP"], env={"STEP": "one"}, backoffLimit=1)
    recon.cli("apply")
    assert len(runs(recon, "migrate")) == 1
    job(recon, "migrate", ["sh", "-c", "echo $STEP"], env={"STEP": "two"})
    recon.cli("apply")
    assert [run["why"] for run in runs(recon, "migrate")] == ["revision 1", "revision 2"]
    # Each run has a log of its own.
    recon.wrote("migrate", "one", instance=1)
    recon.wrote("migrate", "two", instance=2)


def test_a_job_that_ran_is_not_run_again_by_another_controller(recon: Recon) -> None:
    job(recon, "migrate", ["sh", "-c", "echo ran"])
    recon.run()
    recon.healthy("migrate")
    recon.kill_controller()
    recon.run()
    recon.cli("apply")
    recon.wrote("migrate", "ran", instance=1)
    assert [run["number"] for run in runs(recon, "migrate")] == [1]


def test_a_run_outlives_the_controller_and_its_end_is_known(recon: Recon, tmp_path: Path) -> None:
    go = tmp_path / "go"
    job(recon, "long", python(f"{until_there(go)}print('done')"))
    recon.run()
    pid = until(lambda: recon.pids("long").get("long-1"), what="the run")
    recon.kill_controller()
    assert pid is not None and alive(pid)
    recon.run()
    recon.wait("long", health="Progressing")
    assert recon.pids("long") == {"long-1": pid}
    go.touch()
    # Before Linux 6.15 it cannot be known how it ended: then it is run again, and succeeds.
    run = decided(recon, "long", 1)
    assert run["outcome"] == "Succeeded"
    until(lambda: recon.log("long", 1) == ["done"] * (1 + run["failures"]), what="its output")


def test_a_run_that_ended_unseen_is_not_run_twice_where_once_is_the_limit(
    recon: Recon, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    job(recon, "bill", python(f"print('sent')\n{until_there(go)}"), backoffLimit=0)
    recon.run()
    pid = until(lambda: recon.pids("bill").get("bill-1"), what="the run")
    until(lambda: recon.log("bill", 1), what="its output")
    recon.kill_controller()
    go.touch()
    assert pid is not None
    until(lambda: not alive(pid), what="it ends while nobody looks")
    recon.run()
    run = decided(recon, "bill", 1)
    assert (run["outcome"], run["exit"]) == ("Failed", "exit unknown")
    assert recon.log("bill", 1) == ["sent"]


def test_a_run_that_fails_is_tried_again_and_then_given_up(recon: Recon) -> None:
    job(
        recon,
        "flaky",
        ["sh", "-c", "echo try; exit 3"],
        backoffLimit=2,
        backoff={"initialSeconds": 0.1, "maxSeconds": 0.2},
    )
    text = recon.cli("apply", code=1)
    assert "flaky cannot become ready: run 1 failed (exit 3)" in text
    assert text.count("| try") == 3  # the last lines that it wrote
    app = recon.wait("flaky", health="Degraded")
    (run,) = app["runs"]
    assert (run["outcome"], run["reason"], run["failures"]) == ("Failed", "BackoffLimitExceeded", 3)
    recon.wrote("flaky", *["try"] * 3, instance=1)
    events = recon.cli("events", "flaky")
    assert "BackOff" in events and "BackoffLimitExceeded" in events


def test_a_run_that_takes_too_long_is_ended_with_all_that_it_forked(recon: Recon) -> None:
    job(recon, "hang", ["sh", "-c", "sleep 99999 & wait"], activeDeadlineSeconds=0.3)
    recon.run()
    run = decided(recon, "hang", 1)
    assert run["reason"] == "DeadlineExceeded"
    until(lambda: not recon.pids("hang"), what="no process of it is left")


def test_run_job_runs_it_now_and_shows_what_it_writes(recon: Recon) -> None:
    leap = "0 0 29 2 *"
    job(recon, "report", ["sh", "-c", "echo hello; exit 0"], schedule=leap, timeZone="UTC")
    recon.run()
    recon.healthy("report", ready=0)
    assert recon.of("report")["nextRun"].endswith("-02-29T00:00:00.000+00:00")
    assert not runs(recon, "report")
    text = recon.cli("run-job", "report")
    assert "report-1 | hello" in text and "report: run 1 succeeded" in text
    job(recon, "report", ["sh", "-c", "exit 4"], schedule=leap, timeZone="UTC", backoffLimit=0)
    recon.cli("apply")
    text = recon.cli("run-job", "report", code=1)
    assert "run 2 has failed" in text and "exit 4" in text
    recon.wait("report", health="Degraded")
    recon.environment["COLUMNS"] = "80"
    table = recon.cli("status", "report")
    assert "requested" in table and "Failed" in table
    assert max(map(len, table.splitlines())) <= 80
    assert "did you mean report" in recon.cli("run-job", "reprot", code=1)
    recon.app("web", SLEEP)
    recon.healthy("web")
    assert '"web" is an App' in recon.cli("run-job", "web", code=1)
    assert "run-job report" in recon.cli("restart", "report", code=1)


def test_a_job_that_is_suspended_says_so_to_who_would_run_it(recon: Recon) -> None:
    job(recon, "migrate", ["true"], suspend=True)
    recon.run()
    recon.wait("migrate", health="Suspended")
    assert "recon resume migrate" in recon.cli("run-job", "migrate", code=1)
    assert not runs(recon, "migrate")


def test_a_schedule_is_followed_as_its_concurrency_policy_says(
    recon: Recon, tmp_path: Path
) -> None:
    """In one test, since a minute has to pass: what ends in time, and what has not ended yet."""
    go, told = tmp_path / "go", tmp_path / "told"
    minutely = {"schedule": "* * * * *", "terminationGracePeriodSeconds": 20}
    slow_to_end = f"trap 'sleep 0.5; echo ends >> {told}; exit' TERM; echo begins >> {told}"
    slow = ["sh", "-c", f"{slow_to_end}; while :; do sleep 0.05; done"]
    until(lambda: time.time() % 60 < 40, seconds=25, what="a minute that is long enough")
    recon.run()
    job(recon, "allow", SLEEP, **minutely)
    job(recon, "forbid", python(until_there(go)), concurrencyPolicy="Forbid", **minutely)
    job(recon, "replace", slow, concurrencyPolicy="Replace", **minutely)
    names = ("allow", "forbid", "replace")
    for name in names:
        recon.wait(name, sync="Synced")
        recon.cli("run-job", name, "--detach")
    job(recon, "tick", ["date", "+%s"], schedule="* * * * *")
    first = {name: until(partial(recon.pids, name), what=f"{name} runs") for name in names}
    until(told.exists, what="its shell has set its trap")
    begun = time.time()
    assert {name: set(pids) for name, pids in first.items()} == {n: {f"{n}-1"} for n in names}

    until(lambda: recon.log("tick", 1), seconds=120, what="a minute has passed")
    run = decided(recon, "tick", 1)
    assert run["why"] == "schedule"
    due = datetime.fromisoformat(run["scheduledFor"])
    assert (due.second, run["outcome"]) == (0, "Succeeded")
    assert begun < due.timestamp() <= int(recon.log("tick", 1)[0])

    # Allow: beside the one that runs.
    until(lambda: len(recon.pids("allow")) == 2, what="two runs")
    assert recon.pids("allow").items() > first["allow"].items()
    # Replace: the one that runs is ended, and only then the other one begins.
    until(lambda: set(recon.pids("replace")) == {"replace-2"}, what="run 2 alone")
    until(lambda: told.read_text().split() == ["begins", "ends", "begins"], what="which one waits")
    assert decided(recon, "replace", 1)["reason"] == "Replaced"
    # Forbid: the other one waits.
    assert recon.pids("forbid") == first["forbid"]
    assert [run["number"] for run in runs(recon, "forbid")] == [1]
    assert "concurrencyPolicy: Forbid" in recon.cli("events", "forbid")
    go.touch()
    assert decided(recon, "forbid", 1)["outcome"] == "Succeeded"
    for name in names:
        second = until(partial(later_runs, recon, name), what=f"run 2 of {name}")[0]
        assert (second["number"], second["why"]) == (2, "schedule")
        assert datetime.fromisoformat(second["scheduledFor"]) == due


def test_a_run_that_was_missed_is_made_up_for_unless_it_is_too_late(recon: Recon) -> None:
    past = (datetime.now(UTC) - timedelta(minutes=10)).replace(second=0, microsecond=0)
    when: dict[str, Any] = {"schedule": f"{past.minute} * * * *", "timeZone": "UTC"}
    job(recon, "soon", ["echo", "ran"], **when)
    job(recon, "late", ["echo", "ran"], **when, startingDeadlineSeconds=120)
    recon.run()
    recon.cli("apply")
    recon.kill_controller()
    for name in ("soon", "late"):
        set_clock_back(recon, name, 2.9 * 3600)  # three moments were missed, one is made up for
    recon.run()
    run = decided(recon, "soon", 1)
    assert datetime.fromisoformat(run["scheduledFor"]) == past
    assert len(runs(recon, "soon")) == 1
    until(lambda: "MissSchedule" in recon.cli("events", "late"), what="it is told")
    assert not runs(recon, "late")


def test_a_run_waits_for_what_it_depends_on_and_others_wait_for_it(
    recon: Recon, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    recon.app("db", SLEEP, readinessProbe={"exec": {"command": ["test", "-e", str(go)]}})
    job(recon, "migrate", python(until_there(go)), dependsOn=["db"])
    recon.app("web", SLEEP, dependsOn=[{"app": "migrate", "condition": "Completed"}])
    recon.run()
    recon.wait("migrate", message="waiting for db to be Ready")
    assert "waiting for migrate to be Completed" in recon.of("web")["message"]
    go.touch()
    recon.healthy("web")
    assert recon.of("migrate")["runs"][0]["outcome"] == "Succeeded"


def test_what_a_removed_job_runs_is_ended_and_down_ends_it_too(recon: Recon) -> None:
    file = job(recon, "long", SLEEP)
    job(recon, "other", SLEEP)
    recon.run()
    for name in ("long", "other"):
        until(partial(recon.pids, name), what=f"{name} runs")
    file.unlink()
    until(lambda: not recon.of("long"), what="it is gone")
    (pid,) = recon.pids("other").values()
    recon.cli("down")
    assert not alive(pid)
    # It was not done, so it is begun again.
    recon.controller = None
    recon.run()
    until(lambda: recon.pids("other"), what="it runs again")


def test_what_is_wrong_with_a_job_is_told_with_its_place(recon: Recon) -> None:
    job(recon, "bad", SLEEP, schedule="61 * * * *", instances=2, timeZone="Mars/Base")
    text = recon.cli("validate", code=1)
    assert "spec.schedule" in text and "30 3 * * *" in text
    assert "spec.instances: unknown field" in text
    assert "spec.timeZone" in text and "Europe/Berlin" in text


def test_an_app_is_restarted_by_the_clock(recon: Recon) -> None:
    past = datetime.now(UTC) - timedelta(minutes=1)
    spec = {"restartSchedule": f"{past.minute} * * * *", "timeZone": "UTC"}
    recon.app("web", SLEEP, **spec)
    recon.run()
    recon.healthy("web")
    before = recon.pids("web")
    recon.kill_controller()
    set_clock_back(recon, "web", 200)
    recon.run()
    until(lambda: recon.pids("web") not in ({}, before), what="it was restarted")
    recon.healthy("web", revision=1)
    assert "restartSchedule" in recon.cli("events", "web")
