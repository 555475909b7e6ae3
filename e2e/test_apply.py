"""`recon apply`: what a review shows is what happens, and the exit code says how it went."""

from __future__ import annotations

import json
import subprocess

from e2e.harness import PROGRAM, Recon
from e2e.programs import SLEEP, python


def test_apply_starts_the_controller_waits_and_shows_progress(recon: Recon) -> None:
    recon.app("web", SLEEP, instances=2)
    text = recon.cli("apply")
    assert "+ web" in text and "Plan: 2 to start" in text
    app = recon.of("web")
    assert (app["sync"], app["health"], app["ready"]) == ("Synced", "Healthy", 2)
    assert "0 to start" in recon.cli("apply")
    assert recon.answers()


def test_apply_says_at_once_what_cannot_become_ready_with_its_last_lines(recon: Recon) -> None:
    recon.app("good", SLEEP)
    recon.app("bad", python("import sys; print('looking for the database'); sys.exit('no route')"))
    text = recon.cli("apply", code=1)
    assert "bad" in text and "looking for the database" in text and "no route" in text


def test_apply_of_a_wrong_directory_changes_nothing(recon: Recon) -> None:
    recon.app("good", SLEEP)
    recon.write("bad.yaml", "apiVersion: recon/v1\nkind: App\nmetadata: {name: bad}\nspec: {}\n")
    text = recon.cli("apply", code=1)
    assert "bad.yaml:4:7" in text and "command" in text
    assert not recon.answers() and not recon.pids("good")


def test_dry_run_is_the_same_with_and_without_a_controller(recon: Recon) -> None:
    recon.app("web", SLEEP, env={"LOG_LEVEL": "info", "A": "1"}, instances=2)
    recon.app("old", SLEEP)
    recon.app("same", SLEEP)
    recon.cli("apply")
    recon.kill_started_controller()
    recon.app("web", SLEEP, env={"LOG_LEVEL": "debug"}, instances=2, stop={"signal": "SIGINT"})
    (recon.manifests / "old.yaml").unlink()
    recon.app("new", SLEEP)
    text = recon.cli("apply", "--dry-run")
    assert "~ web" in text and "+ new" in text and "- old" in text
    assert "env.LOG_LEVEL" in text and "info → debug" in text and "replaces" in text
    assert "stop.signal" in text and "in place" in text and "web.yaml:" in text
    assert "Plan: 1 to start, 2 to replace, 1 to stop, 1 unchanged." in text
    document = recon.json("apply", "--dry-run")
    assert document["summary"] == {"start": 1, "replace": 2, "stop": 1, "unchanged": 1}
    assert recon.json("apply", "--dry-run", "--detailed-exitcode", code=2) == document
    status = recon.json("status", code=None)
    with_it = {a["name"]: (a["sync"], a["drift"]) for a in status["apps"]}
    assert with_it["web"][0] == "OutOfSync" and with_it["same"][0] == "Synced"
    assert with_it["web"][1][0]["kind"] == "Outdated" and "env.LOG_LEVEL" in str(with_it["web"][1])
    assert not recon.answers()


def test_dry_run_and_status_with_a_controller_that_cannot_act_yet(recon: Recon) -> None:
    recon.app("web", SLEEP, instances=2)
    recon.cli("apply")
    alone = recon.json("apply", "--dry-run")
    assert alone["summary"]["unchanged"] == 2
    with_controller = recon.json("status")
    recon.kill_started_controller()
    without = recon.json("status", code=None)
    for document in (with_controller, without):
        del document["controller"]
        for app in document["apps"]:
            for row in app["instances"]:
                for moving in ("uptimeSeconds", "rssBytes", "cpuPercent", "startTime"):
                    del row[moving]
    assert with_controller == without
    assert recon.json("apply", "--dry-run") == alone


def test_detailed_exit_codes_of_a_clean_state(recon: Recon) -> None:
    recon.app("web", SLEEP)
    recon.cli("apply")
    recon.cli("apply", "--dry-run", "--detailed-exitcode", code=0)
    recon.cli("status", "--detailed-exitcode", code=0)


def test_base_compares_with_a_revision_in_git_without_any_host(recon: Recon) -> None:
    def git(*words: str) -> None:
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.test"]
        subprocess.run(
            ["git", *identity, *words], cwd=recon.manifests, check=True, capture_output=True
        )

    recon.app("web", SLEEP, env={"V": "1"}, instances=3)
    recon.app("old", SLEEP)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "before")
    clean = recon.cli("apply", "--dry-run", "--base", "HEAD", "--detailed-exitcode", code=0)
    assert "No changes: what is declared is what HEAD declared." in clean, "no host was looked at"
    recon.app("web", SLEEP, env={"V": "2"}, instances=3)
    recon.app("new", SLEEP)
    (recon.manifests / "old.yaml").unlink()
    document = recon.json("apply", "--dry-run", "--base", "HEAD")
    assert document["summary"] == {"start": 1, "replace": 3, "stop": 1, "unchanged": 0}
    assert document["base"]["revision"] == "HEAD"
    removed = next(change for change in document["changes"] if change["app"] == "old")
    assert "stop 1 instance" in removed["notes"][0] and "pid" not in removed["notes"][0]
    markdown = recon.cli("apply", "--dry-run", "--base", "HEAD", "-o", "markdown")
    assert "|" in markdown and "env.V" in markdown
    text = recon.cli("apply", "--dry-run", "--base", "no-such-revision", code=1)
    assert "no-such-revision" in text


def test_plan_that_prunes_too_much_is_held_and_exits_1(recon: Recon) -> None:
    recon.app("web", SLEEP)
    recon.cli("apply")
    (recon.manifests / "web.yaml").unlink()
    text = recon.cli("apply", code=None)
    assert "--confirm-prune" in text
    assert recon.pids("web")
    recon.cli("apply", "--confirm-prune")
    assert not recon.of("web")


def test_one_removal_that_waits_keeps_nobody_from_waiting_for_the_others(recon: Recon) -> None:
    recon.app("web", SLEEP)
    recon.app("old", SLEEP)
    recon.cli("apply")
    (recon.manifests / "old.yaml").unlink()
    recon.write("recon.yaml", "apiVersion: recon/v1\nkind: Settings\nspec: {maxPrune: 0}\n")
    recon.cli("apply", "--dry-run", "--detailed-exitcode", code=2)
    recon.app("web", SLEEP, env={"V": "2"}, minReadySeconds=4)
    text = recon.cli("apply", code=1)
    assert "old cannot become ready" in text and "--confirm-prune" in text
    assert text.index("old cannot") < text.index("web: ready"), "told at once"
    assert recon.of("web")["updated"] == 1


def test_the_document_is_alone_on_standard_output(recon: Recon) -> None:
    recon.app("web", SLEEP)
    done = subprocess.run(
        [PROGRAM, "apply", "-o", "json"],
        env=recon.environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["summary"]["start"] == 1
    assert "started the controller" in done.stderr and "ready after" in done.stderr


def test_validate_reports_every_problem_with_its_place(recon: Recon) -> None:
    recon.app("good", SLEEP)
    recon.cli("validate")
    recon.write("a.yaml", "apiVersion: recon/v1\nkind: Ap\n")
    recon.write("b.yaml", "x: [1\n")
    document = json.loads(recon.cli("validate", "-o", "json", code=1))
    files = {problem["file"].rpartition("/")[2] for problem in document["errors"]}
    assert files == {"a.yaml", "b.yaml"}
