"""From 0.1.0 to this release and back: processes, history, pauses and Jobs stay as they are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from e2e import release
from e2e.harness import Recon, alive
from e2e.programs import SLEEP, numbered
from e2e.reliability.results import Row, add
from tests.waiting import until

OLD = "0.1.0"


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """The package of 0.1.0. Skips where the clone is shallow."""
    if why := release.lacking(OLD):
        pytest.skip(f"SKIPPED: no upgrade from {OLD}: {why}")
    return release.unpack(OLD, tmp_path)


def write(recon: Recon, count: Path) -> None:
    """Apps of several habits, and a Job that notes its runs."""
    recon.app("web", numbered(0.02), instances=2)
    recon.app("secret", SLEEP, env={"KEY": {"secretFile": str(recon.manifests / "key")}})
    recon.write("key", "hidden\n").chmod(0o600)
    recon.app("crashing", ["sh", "-c", "exit 3"])
    recon.app("held", SLEEP, instances=2, env={"VERSION": "1"})
    recon.app("socket", SLEEP, sockets=[{"name": "s", "path": str(recon.state / "s.sock")}])
    job = {"apiVersion": "recon/v1", "kind": "Job", "metadata": {"name": "once"}}
    job["spec"] = {"command": ["sh", "-c", f"echo ran >> {count}"]}
    recon.write("once.yaml", json.dumps(job))


def begin(recon: Recon, count: Path) -> None:
    """Until all is up, a crash loop has begun, and a rollout is paused in its middle."""
    write(recon, count)
    recon.run()
    for name in ("web", "secret", "held", "socket"):
        recon.healthy(name)
    until(count.exists, what="the Job ran")
    until(lambda: recon.of("crashing")["restarts"] >= 1, what="it crashed")
    recon.cli("rollout", "pause", "held")
    recon.app("held", SLEEP, instances=2, env={"VERSION": "2"})
    until(lambda: recon.of("held")["sync"] != "Synced", what="the edit waits")
    until(lambda: len(recon.log("web")) > 5, what="it writes")


def facts(recon: Recon) -> dict[str, Any]:
    """What a change of the controller must not change."""
    apps = {app["name"]: app for app in recon.status()["apps"]}
    return {
        "pids": {name: recon.pids(name) for name in ("web", "secret", "held", "socket")},
        "restarts": {name: app["restarts"] for name, app in apps.items() if name != "crashing"},
        "revisions": {name: apps[name].get("revision") for name in ("web", "secret", "held")},
        "held": apps["held"]["sync"],
    }


def switch(recon: Recon, to: Path | None) -> None:
    """kill -9 of the controller, and one of the other release."""
    recon.kill_controller()
    release.use(recon, to)
    recon.run()
    until(lambda: {a["name"] for a in recon.status()["apps"]} >= {"web", "held"}, what="it is back")
    recon.healthy("web")


def started(recon: Recon) -> list[str]:
    """The messages of all starts of web, oldest first."""
    return [e["message"] for e in recon._ask.events(["web"], limit=500) if e["reason"] == "Started"]


def check_log(recon: Recon) -> None:
    """The lines of web-0 are numbered without a gap, on and on."""
    before = len(recon.log("web"))
    until(lambda: len(recon.log("web")) > before + 5, what="the log goes on")
    numbers = [int(line.split()[1]) for line in recon.log("web")]
    assert numbers == [*range(1, len(numbers) + 1)]


def test_this_release_takes_over_from_the_first_one_and_gives_back(
    recon: Recon, old: Path, tmp_path: Path
) -> None:
    count = tmp_path / "count"
    release.use(recon, old)
    begin(recon, count)
    before, starts, crashes = facts(recon), started(recon), recon.of("crashing")["restarts"]
    assert recon.status()["controller"]["version"] == OLD
    assert before["held"] == "OutOfSync" and len(starts) == 2

    switch(recon, None)  # the upgrade
    assert facts(recon) == before
    assert started(recon) == starts, "the timeline of the old release is kept, and no start is new"
    assert recon.of("crashing")["restarts"] >= crashes
    check_log(recon)

    recon.app("secret", SLEEP, instances=3, env={"KEY": {"secretFile": str(tmp_path / "key2")}})
    (tmp_path / "key2").write_text("other\n")
    (tmp_path / "key2").chmod(0o600)
    recon.healthy("secret", ready=3)
    before = facts(recon)

    switch(recon, old)  # back
    assert facts(recon) == before
    assert started(recon) == starts
    check_log(recon)
    assert count.read_text() == "ran\n", "a Job of one run ran twice"

    switch(recon, None)  # and up again: what this release alone knows is still there
    assert facts(recon) == before
    recon.cli("rollout", "resume", "held")
    recon.healthy("held")
    pids = [pid for name in ("web", "held") for pid in recon.pids(name).values()]
    recon.cli("down")
    until(lambda: not any(map(alive, pids)), what="down ends what another release began")
    assert count.read_text() == "ran\n"
    assert os.listdir(recon.state)
    what = "runs, kill -9, the other release runs: same pids, no start, logs and history go on"
    cases = (f"{OLD} → this", f"this → {OLD}", f"{OLD} → this again")
    add("upgrade", [Row(case, what, "held") for case in cases])
