"""Unchanged Node programs on a shared socket: a deploy is invisible to who uses the service."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest

from e2e.harness import Recon, alive
from e2e.node import EXPRESS, PLAIN, install, needs_node, needs_npm
from tests.load import Load
from tests.waiting import until

pytestmark = needs_node

ROLLS = 3


def declare(recon: Recon, port: int, version: int, command: list[str], **spec: Any) -> None:
    recon.app(
        "web",
        command,
        cwd="site",
        **{
            "instances": 2,
            "env": {"PORT": str(port), "GREETING": f"v{version}"},
            "sockets": [{"name": "http", "port": port}],
            "readinessProbe": {"httpGet": {"path": "/health", "port": port}, "periodSeconds": 1},
            "strategy": {"maxSurge": "100%"},
            **spec,
        },
    )


def loads(port: int) -> tuple[Load, Load]:
    """Clients that keep their connection, and clients that open one for each request."""
    kept = Load(port=port, clients=4, keep_alive=True)
    return kept, Load(port=port, clients=4, keep_alive=False, pause=0.002)


def both_answered(kept: Load, single: Load, version: int) -> None:
    for load in (kept, single):
        load.until_answered(b"v%d " % version)


@pytest.mark.parametrize(
    "kind",
    [
        "plain",
        pytest.param("plain, npm run", marks=needs_npm),
        pytest.param("express", marks=needs_npm),
        pytest.param("express, npm run", marks=needs_npm),
    ],
)
def test_no_request_is_lost_while_a_node_program_is_replaced(
    recon: Recon, unused_port: int, kind: str
) -> None:
    express = kind.startswith("express")
    install(recon.manifests / "site", EXPRESS if express else PLAIN, *["express"] * express)
    command = ["npm", "run", "start"] if "npm" in kind else ["node", "server.js"]
    declare(recon, unused_port, 0, command)
    recon.run()
    recon.healthy("web", ready=2)
    kept, single = loads(unused_port)
    with kept, single:
        both_answered(kept, single, 0)
        for number in range(1, ROLLS + 1):
            declare(recon, unused_port, number, command)
            recon.healthy("web", revision=number + 1, updated=2)
        both_answered(kept, single, ROLLS)
    assert kept.failures == single.failures == []


def test_no_request_is_lost_when_the_controller_is_killed_in_the_middle_of_a_rollout(
    recon: Recon, unused_port: int
) -> None:
    install(recon.manifests / "site", PLAIN)
    # One after the other, and each to stay ready for a moment: a rollout with a middle.
    slow = {"instances": 4, "strategy": {"maxSurge": 1}, "minReadySeconds": 1.5}
    declare(recon, unused_port, 0, ["node", "server.js"], **slow)
    recon.run()
    recon.healthy("web", ready=4)
    kept, single = loads(unused_port)
    with kept, single:
        both_answered(kept, single, 0)
        for version in (1, 2):
            declare(recon, unused_port, version, ["node", "server.js"], **slow)
            until(lambda: recon.of("web")["updated"] in (1, 2, 3), what="it is under way")
            recon.kill_controller()
            recon.run()
            recon.healthy("web", revision=version + 1, updated=4)
        both_answered(kept, single, 2)
    assert kept.failures == single.failures == []


def test_a_crash_of_an_instance_refuses_nobody(recon: Recon, unused_port: int) -> None:
    """What it was answering is lost with it; the next request is not."""
    install(recon.manifests / "site", PLAIN)
    declare(recon, unused_port, 0, ["node", "server.js"], instances=1)
    recon.run()
    recon.healthy("web", ready=1)
    [pid] = recon.pids("web").values()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), what="it is gone, and what it had accepted with it")
    with Load(port=unused_port, clients=2, keep_alive=False) as load:
        until(lambda: load.ok >= 20, what="its replacement answers")
    assert load.failures == []


def test_connections_are_spread_over_all_instances(recon: Recon, unused_port: int) -> None:
    install(recon.manifests / "site", PLAIN)
    declare(recon, unused_port, 0, ["node", "server.js"], instances=3)
    recon.run()
    recon.healthy("web", ready=3)
    with Load(port=unused_port, clients=12, keep_alive=False) as load:
        until(lambda: len(load.answers) == 3 and load.ok > 300, what="each has answered")
    assert load.failures == []
    pids = {int(body.split()[1]) for body in load.answers}
    assert pids == set(recon.pids("web").values())
