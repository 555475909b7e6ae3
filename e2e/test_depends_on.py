"""dependsOn: order on start and on the way down, and no process lost for the sake of it."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from e2e.harness import Recon, alive
from e2e.programs import SLEEP, python, server
from tests.waiting import until


@pytest.fixture
def diary(tmp_path: Path) -> Path:
    return tmp_path / "diary"


def keeping(diary: Path, name: str, before_ready: str = "") -> list[str]:
    """Writes its start, and its end on SIGTERM, into the diary, one line each; then it is UP."""
    return python(
        "import os, signal, sys, time\n"
        "def write(what):\n"
        f"    with open({str(diary)!r}, 'a') as file: file.write(f'{{what}} {name}\\n')\n"
        "def end(*_):\n"
        "    time.sleep(0.2); write('end'); sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, end)\n"
        "write('start')\n"
        f"{before_ready}\n"
        "print('up', flush=True)\n"
        "time.sleep(100000)\n"
    )


UP = {"log": "up"}
"""Else they would be ready as soon as they are started, whatever they have come to by then."""


def lines(diary: Path) -> list[str]:
    return diary.read_text().splitlines() if diary.exists() else []


def row(recon: Recon, name: str) -> dict[str, Any]:
    found: dict[str, Any] = recon.of(name)["instances"][0]
    return found


def listening(diary: Path, marker: Path, port: int) -> list[str]:
    """A db that listens only once ``marker`` is there."""
    wait = (
        f"while not os.path.exists({str(marker)!r}): time.sleep(0.01)\n"
        "import socket\n"
        f"listener = socket.create_server(('127.0.0.1', {port}))"
    )
    return keeping(diary, "db", wait)


def test_start_waits_for_a_db_that_is_slow_to_be_ready(
    recon: Recon, tmp_path: Path, diary: Path, unused_port: int
) -> None:
    marker = tmp_path / "marker"
    probe = {"tcpSocket": {"port": unused_port}, "periodSeconds": 1}
    for name, below in (("backend", "db"), ("web", "backend")):
        recon.app(name, keeping(diary, name), dependsOn=[below], readinessProbe=UP)
    recon.app("db", listening(diary, marker, unused_port), readinessProbe=probe)
    plan = recon.cli("apply", "--dry-run")
    assert "waiting for db to be Ready" in plan
    recon.run()
    waiting = recon.wait("backend", health="Progressing", message="waiting for db to be Ready")
    assert [row["state"] for row in waiting["instances"]] == ["waiting"]
    until(lambda: lines(diary) == ["start db"], what="db runs")
    assert "waiting" in recon.cli("describe", "backend")
    assert "Needs:     db (Ready)" in recon.cli("describe", "backend")
    recon.kill_controller()
    offline = recon.of("backend")
    assert offline["message"] == "waiting for db to be Ready"
    recon.run()
    recon.wait("backend", message="waiting for db to be Ready")
    assert not recon.pids("backend")
    marker.touch()
    recon.healthy("web", ready=1)
    assert lines(diary) == ["start db", "start backend", "start web"]
    # It has crashed once, and was started again: that waits for nothing.
    crashed = recon.pids("backend")
    os.kill(crashed["backend-0"], signal.SIGKILL)
    until(lambda: recon.pids("backend") not in (crashed, {}), what="backend is back")
    recon.healthy("backend", ready=1)
    # All is lost at once, with nobody there to see it: it comes back in order.
    lost = [pid for name in ("db", "backend", "web") for pid in recon.pids(name).values()]
    recon.kill_controller()
    marker.unlink()
    for pid in lost:
        os.kill(pid, signal.SIGKILL)
    until(lambda: not any(map(alive, lost)), what="all are gone")
    recon.run()
    recon.wait("backend", message="waiting for db to be Ready")
    marker.touch()
    recon.healthy("web", ready=1)
    assert lines(diary)[4:] == ["start db", "start backend", "start web"]


def test_completed_waits_for_a_migration_to_end_well(recon: Recon, tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    wait = f"import os, time\nwhile not os.path.exists({str(marker)!r}): time.sleep(0.01)\n"
    recon.app("migrate", python(wait), restartPolicy="OnFailure")
    recon.app("backend", SLEEP, dependsOn=[{"app": "migrate", "condition": "Completed"}])
    recon.run()
    recon.wait("migrate", ready=1)
    recon.wait("backend", message="waiting for migrate to be Completed")
    marker.touch()
    recon.healthy("backend", ready=1)
    assert row(recon, "migrate")["state"] == "completed"


def test_an_update_waits_for_the_migration_of_the_same_commit(recon: Recon, tmp_path: Path) -> None:
    def migrate(code: str) -> None:
        document = {
            "apiVersion": "recon/v1",
            "kind": "Job",
            "metadata": {"name": "migrate"},
            "spec": {"command": python(code), "backoffLimit": 0},
        }
        recon.write("migrate.yaml", json.dumps(document))

    needs = {"dependsOn": [{"app": "migrate", "condition": "Completed"}]}
    migrate("pass")
    recon.app("web", SLEEP, **needs)
    recon.run()
    recon.healthy("web", ready=1)
    before = recon.pids("web")
    # The app's file is written first.
    recon.app("web", SLEEP, env={"V": "2"}, **needs)
    migrate("raise SystemExit('no such table')")
    told = "update waiting for migrate to be Completed, which has failed (exit 1)"
    recon.wait("web", message=told, sync="OutOfSync", ready=1)
    assert recon.pids("web") == before
    assert "waiting for migrate to be Completed" in recon.cli("apply", "--dry-run")
    # The old one is still kept up, at its revision.
    os.kill(before["web-0"], signal.SIGKILL)
    until(lambda: recon.pids("web") not in (before, {}), what="restarted")
    assert row(recon, "web")["revision"] == 1
    marker = tmp_path / "marker"
    migrate(f"import os, time\nwhile not os.path.exists({str(marker)!r}): time.sleep(0.01)")
    recon.wait("web", message="update waiting for migrate to be Completed", ready=1)
    marker.touch()
    recon.healthy("web", ready=1, updated=1)
    assert row(recon, "web")["revision"] == 2


def test_mistakes_are_refused_at_their_place_and_stop_nothing(recon: Recon) -> None:
    recon.app("db", SLEEP)
    recon.app("backend", SLEEP, dependsOn=["db"])
    recon.run()
    recon.healthy("backend", ready=1)
    pids = recon.pids("backend") | recon.pids("db")
    recon.app("db", SLEEP, dependsOn=["backend"])
    told = recon.wait("backend", sync="Unknown")["message"]
    assert "backend → db → backend" in told
    assert "db → backend → db" in recon.wait("db", sync="Unknown")["message"]
    text = recon.cli("validate", code=1)
    assert "backend.yaml:13:7" in text and "db.yaml:13:7" in text, text
    recon.app("db", SLEEP)
    recon.healthy("backend", ready=1)
    recon.app("backend", SLEEP, dependsOn=["dbb"], env={"A": "b"})
    told = recon.wait("backend", sync="Unknown")["message"]
    assert "backend.yaml:13:7" in told and "did you mean db?" in told, told
    # The controller is started anew on it: the same, from the journal.
    recon.kill_controller()
    recon.run()
    assert "did you mean db?" in recon.wait("backend", sync="Unknown")["message"]
    recon.app("backend", SLEEP, dependsOn=["db"])
    recon.healthy("backend", ready=1)
    assert recon.pids("backend") | recon.pids("db") == pids


def test_a_removed_dependency_runs_on_while_it_is_needed(recon: Recon) -> None:
    for name in ("a", "b", "c", "db"):
        recon.app(name, SLEEP)
    recon.app("backend", SLEEP, dependsOn=["db"])
    recon.run()
    recon.healthy("backend", ready=1)
    pids = recon.pids("backend") | recon.pids("db")
    (recon.manifests / "db.yaml").unlink()
    until(lambda: "depends on it" in recon.of("db")["message"], what="held")
    assert "no manifest declares db" in recon.wait("backend", sync="Unknown")["message"]
    assert recon.pids("backend") | recon.pids("db") == pids
    recon.app("backend", SLEEP)
    until(lambda: not recon.of("db"), what="db is gone")
    recon.healthy("backend", ready=1)


def test_down_stops_dependents_first(recon: Recon, diary: Path) -> None:
    names = ["db", "cache", "backend", "web"]
    for name, below in zip(names, [[], ["db"], ["cache", "db"], ["backend"]], strict=True):
        recon.app(name, keeping(diary, name), dependsOn=below, readinessProbe=UP)
    recon.run()
    recon.healthy("web", ready=1)
    recon.cli("down")
    assert lines(diary) == [*(f"start {n}" for n in names), *(f"end {n}" for n in names[::-1])]
    # In the same order up again; and down, when no controller runs.
    diary.unlink()
    recon.run()
    recon.healthy("web", ready=1)
    recon.kill_controller()
    recon.cli("down")
    assert lines(diary) == [*(f"start {n}" for n in names), *(f"end {n}" for n in names[::-1])]


def test_a_restart_of_the_dependency_restarts_only_who_asks_for_it(
    recon: Recon, unused_port: int
) -> None:
    probe = {"tcpSocket": {"port": unused_port}, "periodSeconds": 1}
    env = {"PORT": str(unused_port)}
    recreate = {"type": "Recreate"}
    recon.app("db", server(), env=env, readinessProbe=probe, strategy=recreate)
    recon.app("calm", SLEEP, dependsOn=["db"])
    recon.app("keen", SLEEP, dependsOn=[{"app": "db", "restart": True}], instances=2)
    recon.run()
    recon.healthy("calm", ready=1)
    recon.healthy("keen", ready=2)
    calm, keen, db = recon.pids("calm"), recon.pids("keen"), recon.pids("db")
    recon.cli("restart", "db")
    until(lambda: recon.pids("db") not in (db, {}), what="db is another")
    recon.healthy("db", ready=1)

    def followed() -> bool:
        now = recon.pids("keen")
        return len(now) == 2 and not set(now.values()) & set(keen.values())

    until(followed, what="keen is another")
    recon.healthy("keen", ready=2)
    starts = recon.cli("events", "keen", "-o", "json").count('"reason": "Started"')
    assert starts == 4, "each instance was replaced once"
    assert recon.pids("calm") == calm
