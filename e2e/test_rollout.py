"""Rollouts: what is good goes on serving, whatever the new revision does."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from e2e.harness import Recon
from e2e.programs import SLEEP, held, python, server
from tests.waiting import until

CRASHES = python("import sys; print('no database'); sys.exit('cannot connect')")


def test_revision_that_crashes_never_replaces_a_good_one(recon: Recon) -> None:
    recon.app("web", SLEEP, instances=2, progressDeadlineSeconds=3)
    recon.run()
    recon.healthy("web", ready=2)
    good = recon.pids("web")
    recon.app("web", CRASHES, instances=2, progressDeadlineSeconds=3)
    recon.wait("web", health="Degraded", revision=2)
    alive = until(lambda: _failed(recon), what="given up after its deadline")
    assert "Edit the manifest" in alive["message"]
    assert {row["pid"] for row in alive["instances"]} == set(good.values())
    assert "ProgressDeadlineExceeded" in recon.cli("events", "web")
    # What runs of the good revision is kept up too.
    os.kill(good["web-0"], signal.SIGKILL)
    until(lambda: len(set(recon.pids("web").values()) - {good["web-0"]}) == 2, what="restarted")
    # An edit is tried at once.
    recon.app("web", SLEEP, instances=2, env={"FIXED": "yes"})
    recon.healthy("web", ready=2, revision=3)


def test_old_instance_killed_while_a_rollout_waits_comes_back_at_once(
    recon: Recon, tmp_path: Path
) -> None:
    told = f"{tmp_path}/"
    check = ["sh", "-c", f'test -e {told}"$RECON_PID"']
    spec: dict[str, Any] = {"instances": 4, "readinessProbe": {"exec": {"command": check}}}
    recon.app(
        "web",
        python(f"import os, time; open({told!r} + str(os.getpid()), 'w'); time.sleep(1e5)"),
        **spec,
    )
    recon.run()
    recon.healthy("web", ready=4)
    recon.app("web", SLEEP, **spec)  # it never says that it is up
    recon.wait("web", updated=2, available=3)
    old = {row["name"]: row for row in recon.of("web")["instances"] if row["revision"] == 1}
    for row in list(old.values())[:2]:
        os.kill(row["pid"], signal.SIGKILL)
    gone = {row["pid"] for row in list(old.values())[:2]}
    app = until(lambda: _back(recon, gone), what="both are back")
    assert app["updated"] == 2 and app["revision"] == 2


def _back(recon: Recon, gone: set[int]) -> dict[str, Any]:
    app = recon.of("web")
    return app if app["available"] == 3 and not gone & {r["pid"] for r in app["instances"]} else {}


def _failed(recon: Recon) -> dict[str, Any]:
    app = recon.of("web")
    reasons = {condition["reason"] for condition in app["conditions"]}
    return app if "ProgressDeadlineExceeded" in reasons and app["ready"] == 2 else {}


def test_edit_back_in_the_middle_of_a_rollout_keeps_what_still_runs(
    recon: Recon, tmp_path: Path
) -> None:
    program = held(tmp_path / "never", python("print('up'); import time; time.sleep(100000)"))
    spec = {"instances": 4, "readinessProbe": {"log": "up"}, "minReadySeconds": 0}
    recon.app("web", program, **spec, env={"VERSION": "1"})
    recon.run()
    recon.healthy("web", ready=4)
    before = set(recon.pids("web").values())
    recon.app("web", program, **spec, env={"VERSION": "2"})
    recon.wait("web", updated=2, ready=3)  # as far as it gets
    recon.app("web", program, **spec, env={"VERSION": "1"})
    recon.healthy("web", ready=4, revision=3)
    assert len(before & set(recon.pids("web").values())) == 3


def test_readiness_probe_decides_when_the_old_ones_go(recon: Recon, unused_port: int) -> None:
    port = {"perInstance": unused_port}

    def declare(greeting: str, answers_on: int) -> None:
        recon.app(
            "web",
            server(greeting),
            instances=2,
            env={"PORT": {"perInstance": answers_on}},
            strategy={"maxSurge": 0, "maxUnavailable": 1},
            readinessProbe={"httpGet": {"port": port}, "periodSeconds": 0.2, "failureThreshold": 1},
        )

    declare("one", unused_port)
    recon.run()
    recon.healthy("web", ready=2)
    declare("two", unused_port + 5)  # where no probe asks: it never becomes ready
    recon.wait("web", updated=1, ready=1)
    first = recon.pids("web")
    recon.cli("events", "web")
    assert recon.wait("web", updated=1, ready=1)["health"] == "Progressing"
    assert recon.pids("web") == first
    declare("one", unused_port)
    recon.healthy("web", ready=2)


def test_restart_rolls_every_process_once(recon: Recon) -> None:
    recon.app("web", SLEEP, instances=3)
    recon.run()
    recon.healthy("web", ready=3)
    before = set(recon.pids("web").values())
    recon.cli("restart", "web")
    until(
        lambda: not before & set(recon.pids("web").values()) and recon.healthy("web", ready=3),
        what="all are new",
    )
    after = recon.pids("web")
    assert recon.of("web")["revision"] == 1
    assert recon.pids("web") == after


def test_on_failure_and_never_are_obeyed(recon: Recon) -> None:
    recon.app("once", ["true"], restartPolicy="OnFailure")
    recon.app("never", ["false"], restartPolicy="Never")
    recon.run()
    once = recon.wait("once", health="Healthy", sync="Synced")
    assert once["instances"][0]["state"] == "completed" and once["restarts"] == 0
    until(lambda: "exit 1" in recon.of("never")["message"], what="told")
    assert recon.of("never")["restarts"] == 0


def test_missing_interpreter_is_told_and_retried_with_backoff(recon: Recon) -> None:
    script = recon.write("script", "#!/no/such/interpreter\n")
    script.chmod(0o755)
    recon.app("web", ["./script"])
    recon.run()
    app = recon.wait("web", health="Degraded")
    assert "/no/such/interpreter" in app["message"] and "next try in" in app["message"]
