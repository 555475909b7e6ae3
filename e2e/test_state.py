"""The state directory fills up, is damaged or removed: all runs on, and nothing runs twice."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from e2e.harness import Recon
from tests.waiting import until

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")


@pytest.fixture
def small(recon: Recon) -> Iterator[Path]:
    """The state directory's disk: 2 MiB. Yields a file on it, to be made as large as fits."""
    disk = recon.state.parent / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=True)
    recon.state = disk / "state"
    recon.environment["RECON_STATE_DIR"] = str(recon.state)
    try:
        yield disk / "filler"
    finally:
        try:
            recon.close()
        finally:
            subprocess.run(["umount", "-l", disk], check=True)


def fill(filler: Path) -> None:
    with filler.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"x" * 4096)
        except OSError:
            pass


def job(recon: Recon, name: str, count: Path) -> None:
    """A Job that notes each of its runs."""
    command = ["sh", "-c", f"echo ran >> {count}"]
    document = {"apiVersion": "recon/v1", "kind": "Job", "metadata": {"name": name}}
    recon.write(f"{name}.yaml", json.dumps({**document, "spec": {"command": command}}))


def kill(pid: int) -> None:
    descriptor = os.pidfd_open(pid)
    signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    os.close(descriptor)


def restarted(recon: Recon, name: str) -> int:
    """Kill an instance; the pid of the one that comes in its place."""
    (before,) = recon.pids(name).values()
    kill(before)

    def other() -> int:
        return next((pid for pid in recon.pids(name).values() if pid != before), 0)

    return until(other, what=f"{name} comes back")


def journal_state(recon: Recon) -> str:
    return str(recon.status()["journal"]["state"])


def test_a_full_disk_costs_no_history_and_no_job_runs_twice(
    recon: Recon, small: Path, tmp_path: Path
) -> None:
    ran, late = tmp_path / "ran", tmp_path / "late"
    recon.app("web", ["sleep", "1000"])
    job(recon, "once", ran)
    recon.run()
    recon.healthy("once")
    recon.healthy("web")
    recon.cli("rollout", "pause", "web")
    controller = recon.controller
    assert controller is not None
    controller.terminate()
    assert controller.wait(timeout=60) == 0
    fill(small)
    assert "Unknown" not in recon.cli("status"), "it is read where nothing can be written"
    recon.cli("apply", "--dry-run")
    recon.run()
    job(recon, "later", late)
    recon.wait("later", message="no run starts until the journal can be written")
    assert journal_state(recon) == "unwritable"
    assert "cannot be written" in recon.cli("status")
    assert "cannot be written" in recon.cli("doctor", code=None)
    restarted(recon, "web")
    recon.kill_controller()
    recon.run()
    small.unlink()
    recon.healthy("later")
    assert ran.read_text() == late.read_text() == "ran\n"
    assert journal_state(recon) == "ok"
    messages = [event["reason"] for event in recon_events(recon)]
    assert "DeploymentPaused" in messages and "JournalRecovered" in messages
    assert not list(recon.state.glob("recon.db.*"))
    fill(small)
    assert "all apps are stopped" in recon.cli("down")


def recon_events(recon: Recon) -> list[dict[str, str]]:
    lines = recon.cli("events", "-o", "json", "--limit", "1000").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_a_journal_that_cannot_be_read_holds_what_only_it_could_allow(
    recon: Recon, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    recon.app("web", ["sleep", "1000"])
    job(recon, "once", ran)
    recon.run()
    recon.healthy("once")
    (old,) = recon.healthy("web")["instances"]
    recon.kill_controller()
    journal, hidden = recon.state / "recon.db", tmp_path / "hidden.db"
    journal.rename(hidden)
    for end in ("-wal", "-shm"):
        (recon.state / f"recon.db{end}").rename(f"{hidden}{end}")
    journal.mkdir()
    recon.app("web", ["sleep", "2000"])
    for _ in range(2):  # without a controller, then with one
        web = recon.of("web")
        assert web["message"] == "rollout held until the journal can be read"
        assert "until the journal can be read" in recon.of("once")["message"]
        assert "cannot be read" in recon.cli("status")
        assert "No changes" not in recon.cli("apply", "--dry-run")
        if recon.controller is None:
            recon.run()
    assert recon.pids("web") == {"web-0": old["pid"]}
    journal.rmdir()
    for end in ("", "-wal", "-shm"):
        Path(f"{hidden}{end}").rename(f"{journal}{end}")
    recon.healthy("web", revision=2)
    recon.healthy("once")
    assert ran.read_text() == "ran\n"


def test_a_damaged_journal_is_set_aside_and_everything_can_be_stopped(
    recon: Recon, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    recon.app("web", ["sleep", "1000"])
    job(recon, "once", ran)
    recon.run()
    recon.healthy("once")
    recon.healthy("web")
    assert recon.controller is not None
    recon.controller.terminate()
    recon.controller.wait(timeout=60)
    (recon.state / "recon.db").write_bytes(b"\xa5" * 65536)
    assert "is damaged" in recon.cli("status")
    recon.cli("apply", "--dry-run")
    recon.run()
    assert "may have run" in recon.wait("once")["message"]
    assert journal_state(recon) == "setAside"
    assert "journal was damaged" in recon.cli("doctor", code=None)
    assert list(recon.state.glob("recon.db.unreadable-*"))
    recon.kill_controller()
    (recon.state / "recon.db").write_bytes(b"\xa5" * 65536)
    assert "all apps are stopped" in recon.cli("down")
    assert ran.read_text() == "ran\n"


def test_a_removed_state_directory_is_made_again(
    recon: Recon, tmp_path: Path, unused_port: int
) -> None:
    ran = tmp_path / "ran"
    server = "import os,socket,time\ns=socket.socket(fileno=3)\ntime.sleep(1000)"
    socket = {"name": "http", "port": unused_port}
    probe = {"tcpSocket": {"port": unused_port}}
    recon.app("web", ["python3", "-c", server], sockets=[socket], startupProbe=probe)
    job(recon, "once", ran)
    recon.run()
    recon.healthy("once")
    (before,) = recon.wait("web", ready=0)["instances"]
    shutil.rmtree(recon.state)
    kill(before["pid"])
    until(recon.answers, what="recon.sock is there again")
    until(
        lambda: recon.pids("web").get("web-0") not in (None, before["pid"]), what="web comes back"
    )
    until((recon.state / "recon.db").exists, what="the journal is written anew")
    assert "JournalRenewed" in [event["reason"] for event in recon_events(recon)]
    recon.kill_controller()
    recon.run()
    recon.healthy("once")
    assert ran.read_text() == "ran\n"
    with closing(sqlite3.connect(recon.state / "recon.db")) as db:
        assert db.execute("SELECT count(*) FROM app").fetchone() == (2,)


def test_a_state_directory_that_is_read_only_costs_no_restart(recon: Recon, small: Path) -> None:
    recon.app("web", ["sleep", "1000"])
    recon.run()
    recon.healthy("web")
    recon.kill_controller()
    remount = ["mount", "-o", "remount,ro", str(small.parent)]
    until(  # helpers of the killed controller may have files open for a moment longer
        lambda: subprocess.run(remount, check=False, capture_output=True).returncode == 0,
        what="the disk is read-only",
    )
    recon.run()
    told = recon.output.read_text()
    assert "cannot be written: Read-only file system; apps run" in told
    assert journal_state(recon) == "unwritable"
    restarted(recon, "web")
    assert "all apps are stopped" in recon.cli("down")


def test_a_second_controller_is_refused_also_when_the_lock_was_removed(recon: Recon) -> None:
    recon.app("web", ["sleep", "1000"])
    recon.run()
    recon.healthy("web")
    (recon.state / "lock").unlink()
    assert "already runs" in recon.cli("run", code=1)
    until((recon.state / "lock").exists, what="the lock is taken again")
