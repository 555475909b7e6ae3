"""`recon rollout`, pause, canary and turning round, on real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

from e2e.harness import PROGRAM, Recon, alive, replace
from e2e.programs import SLEEP, crash_after
from tests.waiting import until

TEXT = """\
# the shop
apiVersion: recon/v1
kind: App
metadata: {name: web}
spec:
  command: [sleep, "100000"]   # without end
  instances: 2   # two for now
  env:
    LEVEL: info   # or debug
"""
PLAIN = {"instances": 4, "minReadySeconds": 0}


def test_undo_writes_the_earlier_revision_back_and_its_status_follows(recon: Recon) -> None:
    file = recon.write("web.yaml", TEXT)
    recon.run()
    recon.healthy("web", ready=2)
    changed = TEXT.replace("info ", "debug ").replace("instances: 2", "instances: 3")
    replace(file, changed)
    recon.healthy("web", revision=2, ready=3)
    shown = recon.cli("rollout", "undo", "web", "--dry-run")
    assert "-    LEVEL: debug   # or debug" in shown and "+    LEVEL: info   # or debug" in shown
    assert file.read_text() == changed, "a dry run writes nothing"
    assert "app/web rolled back to revision 1" in recon.cli("rollout", "undo", "web")
    assert file.read_text() == changed.replace("debug ", "info "), "the scale is no template"
    told = recon.cli("rollout", "status", "web", "--timeout", "60")
    assert 'app "web" successfully rolled out' in told and "Waiting for app" in told
    recon.healthy("web", revision=3, ready=3)
    assert "skipped rollback" in recon.cli("rollout", "undo", "web", "--to-revision", "3")
    assert "unable to find" in recon.cli("rollout", "undo", "web", "--to-revision", "9", code=1)


def test_history_tells_what_each_revision_changed_with_and_without_a_controller(
    recon: Recon,
) -> None:
    file = recon.write("web.yaml", TEXT)
    recon.run()
    recon.healthy("web", ready=2)
    replace(file, TEXT.replace("info ", "debug "))
    recon.healthy("web", revision=2, ready=2)

    def look() -> str:
        table = recon.cli("rollout", "history", "web")
        first, second = table.splitlines()[2:]
        number, _, _, change, state = first.split()
        assert (number, change, state) == ("1", "-", "good")
        assert second.split()[3:] == ["env.LEVEL", "running"]
        return table

    look()
    full = recon.cli("rollout", "history", "web", "--revision", "1")
    assert full.startswith("app/web with revision #1") and "LEVEL: info" in full
    document = recon.json("rollout", "history", "web")
    assert [row["number"] for row in document["revisions"]] == [1, 2]
    assert document["revisions"][1]["changes"] == ["env.LEVEL"]
    recon.kill_controller()
    look()
    assert "there is no app named nobody" in recon.cli("rollout", "history", "nobody", code=1)


def test_failed_revision_is_told_and_undone_to_the_last_good_one(recon: Recon) -> None:
    recon.app("web", SLEEP, instances=2, progressDeadlineSeconds=3)
    recon.run()
    recon.healthy("web", ready=2)
    good = recon.pids("web")
    file = recon.app("web", ["false"], instances=2, progressDeadlineSeconds=3)
    recon.wait("web", revision=2)
    told = recon.cli("rollout", "status", "web", code=1)
    assert 'error: app "web" exceeded its progress deadline' in told
    assert "Edit the manifest" in told
    assert "failed: revision 2" in recon.cli("rollout", "history", "web")
    recon.cli("rollout", "undo", "web")
    assert json.loads(file.read_text())["spec"]["command"] == SLEEP
    recon.healthy("web", ready=2, revision=3)
    assert recon.pids("web") == good, "what is good was not touched on the way"
    # One that failed is never gone back to, unless it is asked for by its number.
    assert "failed: revision 2" in recon.cli("rollout", "history", "web")
    recon.app("web", SLEEP, instances=2, env={"V": "4"})
    recon.healthy("web", ready=2, revision=4)
    assert "rolled back to revision 3" in recon.cli("rollout", "undo", "web", "--dry-run")
    told = recon.cli("rollout", "undo", "web", "--to-revision", "2", "--dry-run")
    assert "warning: revision 2 failed (revision 2 made no progress" in told


def test_undo_refuses_where_nothing_earlier_was_good(recon: Recon) -> None:
    recon.app("web", ["false"], progressDeadlineSeconds=2)
    recon.run()
    recon.wait("web", health="Degraded", sync="OutOfSync")
    recon.app("web", SLEEP)
    recon.healthy("web", revision=2)
    told = recon.cli("rollout", "undo", "web", code=1)
    assert "no earlier revision that was good: revision 1 failed" in told, told
    assert "--to-revision" in told


def test_paused_rollout_holds_what_runs_and_goes_on_when_resumed(recon: Recon) -> None:
    recon.app("web", SLEEP, **PLAIN)
    recon.run()
    recon.healthy("web", ready=4)
    assert "app/web paused" in recon.cli("rollout", "pause", "web")
    assert 'app "web" is already paused' in recon.cli("rollout", "pause", "web", code=1)
    before = recon.pids("web")
    recon.app("web", SLEEP, **PLAIN, env={"V": "2"})
    app = recon.wait("web", revision=2, sync="OutOfSync", health="Healthy", ready=4)
    assert app["message"] == "rollout paused; `recon rollout resume web` continues it"
    os.kill(before["web-1"], signal.SIGKILL)
    until(lambda: len(set(recon.pids("web").values()) - {before["web-1"]}) == 4, what="restarted")
    assert {row["revision"] for row in recon.of("web")["instances"]} == {1}
    assert "paused" in recon.cli("restart", "web", code=1)
    assert "paused" in recon.cli("apply", "--timeout", "20s", code=1)
    recon.app("web", SLEEP, instances=5, minReadySeconds=0, env={"V": "2"})
    app = recon.wait("web", desired=5, ready=5)
    assert {row["revision"] for row in app["instances"]} == {1}
    recon.kill_controller()
    recon.run()  # it remembers
    recon.wait("web", health="Healthy", sync="OutOfSync", ready=5)
    assert "0 out of 5 new instances" in recon.cli("rollout", "status", "web", "--no-watch")
    assert "app/web resumed" in recon.cli("rollout", "resume", "web")
    assert 'app "web" is not paused' in recon.cli("rollout", "resume", "web", code=1)
    recon.healthy("web", ready=5, updated=5)


def test_canary_holds_the_roll_and_goes_on_by_itself(recon: Recon) -> None:
    spec = {**PLAIN, "strategy": {"canary": {"seconds": 6}}}
    recon.app("web", SLEEP, **spec)
    recon.run()
    recon.healthy("web", ready=4)
    before = set(recon.pids("web").values())
    recon.app("web", SLEEP, **spec, env={"V": "2"})
    app = until(lambda: _held(recon), what="it holds")
    assert app["message"].startswith("canary: 1 of 4 instances runs revision 2, ")
    assert app["updated"] == 1 and len({row["pid"] for row in app["instances"]} & before) == 3
    told = recon.cli("rollout", "status", "web")
    assert "canary: 1 of 4 instances runs revision 2..." in told
    assert 'app "web" successfully rolled out' in told
    recon.healthy("web", ready=4, updated=4)
    assert "CanaryPassed" in recon.cli("events", "web")


def _held(recon: Recon) -> dict[str, Any]:
    app = recon.of("web")
    return app if "s left" in app["message"] and app["ready"] == 4 else {}


def test_canary_that_ends_takes_its_revision_back_and_one_can_be_promoted(
    recon: Recon, tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    marker.touch()
    spec = {**PLAIN, "minReadySeconds": 0.2, "strategy": {"canary": {"seconds": 300}}}
    recon.app("web", SLEEP, **spec)
    recon.run()
    recon.healthy("web", ready=4)
    before = recon.pids("web")
    recon.app("web", crash_after(marker), **spec)
    until(lambda: _held(recon), what="it holds")
    marker.unlink()
    told = recon.cli("rollout", "status", "web", code=1)
    assert 'error: app "web": canary web-0 failed: exit 7' in told
    app = recon.wait("web", sync="OutOfSync", health="Degraded", ready=4)
    assert "running revision 1" in app["message"]
    after = recon.pids("web")
    assert {name: after[name] for name in ("web-1", "web-2", "web-3")} == {
        name: before[name] for name in ("web-1", "web-2", "web-3")
    }
    recon.app("web", SLEEP, **spec, env={"FIXED": "yes"})
    until(lambda: _held(recon), what="it holds again")
    assert "app/web promoted" in recon.cli("rollout", "resume", "web")
    recon.healthy("web", ready=4, updated=4, revision=3)


def test_edit_back_in_the_middle_stops_only_the_new_ones(recon: Recon) -> None:
    spec = {"instances": 4, "minReadySeconds": 2, "strategy": {"maxSurge": 1, "maxUnavailable": 0}}
    recon.app("web", SLEEP, **spec)
    recon.run()
    recon.healthy("web", ready=4)
    recon.app("web", SLEEP, **spec, env={"V": "2"})
    until(lambda: recon.of("web")["updated"] in (2, 3), what="half way")
    recon.cli("rollout", "pause", "web")
    middle = recon.of("web")
    old = {r["pid"] for r in middle["instances"] if r["revision"] == 1 and r["state"] == "running"}
    new = {r["pid"] for r in middle["instances"] if r["revision"] == 2 and r["pid"]}
    assert old and new
    recon.app("web", SLEEP, **spec)
    recon.wait("web", revision=3)
    recon.cli("rollout", "resume", "web")
    available = []

    def well() -> bool:
        app = recon.of("web")
        available.append(app["available"])
        return bool(app["health"] == "Healthy")

    until(well, what="it is as it was")
    assert min(available) >= 4
    recon.healthy("web", ready=4, revision=3)
    assert old <= set(recon.pids("web").values())
    assert not any(alive(pid) for pid in new)


def test_restart_rolls_and_never_falls_below_the_floor(recon: Recon) -> None:
    spec = {"instances": 4, "minReadySeconds": 0.3, "strategy": {"maxUnavailable": 1}}
    recon.app("web", SLEEP, **spec)
    recon.run()
    recon.healthy("web", ready=4)
    before = set(recon.pids("web").values())
    recon.cli("restart", "web")
    watching = subprocess.Popen(
        [PROGRAM, "rollout", "status", "web"], env=recon.environment, stdout=subprocess.DEVNULL
    )
    lowest = 4
    while watching.poll() is None:
        lowest = min(lowest, recon.of("web")["available"])
    assert watching.returncode == 0
    assert lowest >= 3
    assert not before & set(recon.pids("web").values())


def test_verbs_say_what_to_do_without_a_controller_or_history(recon: Recon) -> None:
    recon.app("web", SLEEP)
    assert "`recon apply` starts one" in recon.cli("rollout", "pause", "web", code=1)
    assert "`recon apply` starts one" in recon.cli("rollout", "status", "web", code=1)
    assert 'no rollout history found for app "web"' in recon.cli("rollout", "undo", "web", code=1)
    recon.cli("rollout", "nonsense", code=64)
