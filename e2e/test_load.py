"""More instances than the host has room for wait for a person; all else goes on.

The room is made small by the hard limit of the controller's open files: of 150, 64 are its own and
3 are for each instance, so 28 instances fit, and 30 that are confirmed run all the same.
"""

from __future__ import annotations

import json
import os
import signal
from typing import Any

import pytest

from e2e.harness import Recon
from tests.waiting import until

SLEEP = ["sleep", "3600"]
SMALL = ["sh", "-c", 'ulimit -n 150; exec "$@"', "sh"]


@pytest.fixture
def small(recon: Recon) -> Recon:
    """A recon whose controller may open 150 files."""
    recon.started_by = SMALL
    return recon


def _reason(recon: Recon, name: str) -> str:
    """Why a rise of the app's count waits; empty where none does."""
    found = [one for one in recon.of(name)["conditions"] if one["type"] == "LoadHeld"]
    return found[0]["reason"] if found else ""


def _held(recon: Recon, name: str) -> None:
    until(lambda: _reason(recon, name) == "InsufficientFiles", what=f"{name} waits")


def _events(recon: Recon, reason: str) -> int:
    lines = recon.cli("events", "--limit", "10000", "-o", "json").splitlines()
    return sum(json.loads(line)["reason"] == reason for line in lines)


def test_an_edit_beyond_the_host_waits_until_it_is_confirmed(small: Recon) -> None:
    small.app("web", SLEEP, instances=2)
    small.app("api", SLEEP)
    small.run()
    for name in ("web", "api"):
        small.healthy(name)
    before = small.pids("web")

    small.app("web", SLEEP, instances=30)
    _held(small, "web")
    text = small.cli("apply", code=1)
    assert "web cannot become ready: instances 2 → 30 waits" in text
    assert "run `recon apply --confirm-load`" in text and "its last" not in text
    assert small.pids("web") == before, "what ran runs on"
    web = small.of("web")
    assert (web["sync"], web["health"]) == ("OutOfSync", "Healthy")
    assert (web["desired"], web["ready"]) == (30, 2)
    assert web["load"] == {
        "reason": "InsufficientFiles",
        "instances": {"from": 2, "to": 30},
        "needed": 28 * 3,
        "room": 150 - 64 - 3 * 3,
        "each": 3,
        "measured": False,
        "apps": 1,
    }
    small.cli("apply", "--dry-run", "--detailed-exitcode", code=2)
    changes = {one["app"]: one for one in small.json("apply", "--dry-run")["changes"]}
    assert changes["web"]["held"] and changes["web"]["load"] == web["load"]
    assert changes["web"]["instances"] == {"start": 0, "replace": 0, "stop": 0}
    (advice,) = small.json("validate")["advice"]
    assert advice["path"] == "spec.instances" and "2 → 30" in advice["message"]

    small.app("api", SLEEP, instances=3, env={"V": "2"})
    small.healthy("api", ready=3)
    os.kill(before["web-0"], signal.SIGKILL)
    until(lambda: len({*small.pids("web").values()} - {*before.values()}) == 1, what="it is back")
    kept = small.pids("web")

    small.kill_controller()
    small.run()
    small.healthy("api", ready=3)
    assert small.pids("web") == kept and _reason(small, "web")
    assert _events(small, "LoadHeld") == 1, "an event once"

    small.cli("apply", "--confirm-load")
    assert len(small.pids("web")) == 30
    small.kill_controller()
    small.run()
    small.healthy("web", ready=30)
    assert _events(small, "LoadHeld") == 1, "not asked again"

    small.app("web", SLEEP, instances=2)
    until(lambda: len(small.pids("web")) == 2, what="web is small again")
    small.healthy("web", ready=2)
    small.app("web", SLEEP, instances=34)
    _held(small, "web")


def test_files_that_are_edited_at_once_are_judged_together(small: Recon) -> None:
    names = [f"app{number}" for number in range(5)]
    for name in (*names, "tiny"):
        small.app(name, SLEEP)
    small.cli("apply")
    small.kill_started_controller()
    for name in names:
        small.app(name, SLEEP, instances=7)  # one of them would fit
    small.app("tiny", SLEEP, instances=2)
    small.run()

    def apps() -> dict[str, Any]:
        return {app["name"]: app for app in small.status()["apps"]}

    until(lambda: apps()["tiny"]["ready"] == 2, what="a small rise waits for no other")
    until(lambda: all(apps()[name]["load"] for name in names), what="all five wait")
    assert all(apps()[name]["ready"] == 1 for name in names)
    assert {apps()[name]["load"]["apps"] for name in names} == {6}
    for name in names[2:]:
        small.app(name, SLEEP)
    until(lambda: not any(apps()[name]["load"] for name in names[2:]), what="three are corrected")
    assert all(apps()[name]["load"] for name in names[:2]), "nothing begins by itself"
    small.cli("apply")  # asks for it: now there is room
    assert [apps()[name]["ready"] for name in names] == [7, 7, 1, 1, 1]


def test_a_first_start_waits_too_unless_it_is_confirmed_with_it(small: Recon) -> None:
    small.app("web", SLEEP, instances=30)
    small.app("cache", SLEEP)
    small.app("client", SLEEP, dependsOn=["web"])
    small.run()
    small.healthy("cache")
    _held(small, "web")
    assert small.of("web")["health"] == "Missing" and small.pids("web") == {}
    assert "--confirm-load" in small.of("client")["message"] and small.pids("client") == {}
    assert "web: instances 0 → 30 waits" in small.output.read_text()
    small.kill_controller()
    small.options = ["--confirm-load"]
    small.run()
    small.healthy("web", ready=30)
    small.healthy("client")
    small.kill_controller()
    for path in small.state.glob("recon.db*"):
        path.unlink()
    small.options = []
    small.run()
    small.healthy("web", ready=30)
    assert _events(small, "LoadHeld") == 0, "what runs already is no rise"
