"""Programs that outgrow `limits.memory`: noticed, replaced without a gap, and never without end."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest

from e2e.harness import Recon
from e2e.node import needs_node
from e2e.programs import python
from tests.load import Load
from tests.waiting import until

MI = 2**20
SERVER = (
    "import os, socket, threading, time\n"
    "held, listener = [], socket.socket(fileno=3)\n"
    "listener.listen(100)\n"
    "body = str(os.getpid()).encode()\n"
    "head = b'HTTP/1.1 200 OK\\r\\nConnection: close\\r\\nContent-Length: %d\\r\\n\\r\\n'\n"
    "stop = threading.Event()\n"
    "import signal; signal.signal(signal.SIGTERM, lambda *_: stop.set())\n"
    "def serve():\n"
    "    listener.settimeout(0.1)\n"
    "    while not stop.is_set():\n"
    "        try: client, _ = listener.accept()\n"
    "        except TimeoutError: continue\n"
    "        client.recv(4096); client.sendall(head % len(body) + body); client.close()\n"
)
# One that comes after the first does not leak: what is looked at is one replacement.
LEAKS = (
    SERVER + "thread = threading.Thread(target=serve); thread.start()\n"
    "first = not os.path.exists('leaked')\n"
    "open('leaked', 'w').close()\n"
    "while thread.is_alive():\n"
    "    if first and os.path.exists('go') and len(held) < 100: held.append(bytearray(2 << 20))\n"
    "    time.sleep(0.01)\n"
)
NODE = """
const fs = require('fs'), held = []
const body = String(process.pid)
require('http').createServer((request, response) => {
  response.setHeader('Content-Length', body.length); response.end(body)
}).listen(Number(process.env.PORT))
const first = !fs.existsSync('leaked'); fs.writeFileSync('leaked', '')
setInterval(() => {
  if (first && fs.existsSync('go') && held.length < 150) held.push(Buffer.alloc(2 << 20, 1))
}, 10)
"""
TREE = python(
    "import os, time\n"
    "if os.path.exists('leaked'): time.sleep(100000)\n"
    "open('leaked', 'w').close()\n"
    "for n in range(3):\n"
    "    if os.fork() == 0:\n"
    "        while not os.path.exists('go'): time.sleep(0.01)\n"
    "        held = bytearray(60 << 20); time.sleep(100000)\n"
    "time.sleep(100000)\n"
)


def events(recon: Recon, name: str, reason: str) -> list[dict[str, Any]]:
    lines = recon.cli("events", name, "-o", "json", "--limit", "500").splitlines()
    return [event for event in map(json.loads, lines) if event["reason"] == reason]


def seconds_between(sooner: dict[str, Any], later: dict[str, Any]) -> float:
    times = [datetime.fromisoformat(event["time"]) for event in (sooner, later)]
    return (times[1] - times[0]).total_seconds()


@pytest.mark.parametrize("kind", ["python", pytest.param("node", marks=needs_node)])
def test_a_leak_is_replaced_and_nobody_loses_a_request(
    recon: Recon, unused_port: int, kind: str
) -> None:
    home = recon.manifests.parent
    (home / "server.js").write_text(NODE)
    recon.app(
        "web",
        python(LEAKS) if kind == "python" else ["node", "server.js"],
        cwd="..",
        env={"PORT": str(unused_port)},
        sockets=[{"name": "http", "port": unused_port}],
        limits={"memory": "150Mi"},
        minReadySeconds=1,
    )
    recon.run()
    recon.healthy("web", ready=1)
    leaking = recon.pids("web")["web-0"]
    with Load(port=unused_port, clients=4, keep_alive=False, pause=0.002) as load:
        until(lambda: load.ok > 20, what="requests are answered")
        (home / "go").touch()
        until(lambda: events(recon, "web", "Stopped"), what="the leaking one is gone")
        recon.healthy("web", ready=1)
        until(lambda: str(recon.pids("web")["web-0"]).encode() in load.answers, what="its answers")
    assert load.failures == []
    assert str(leaking).encode() in load.answers
    (noticed,) = events(recon, "web", "MemoryLimitExceeded")
    assert f"pid {leaking} uses " in noticed["message"]
    assert "limits.memory is 150Mi" in noticed["message"]
    _, started = events(recon, "web", "Started")
    (killing,) = events(recon, "web", "Killing")
    # First the successor, which was available before the other was told to go.
    assert noticed["time"] <= started["time"] <= killing["time"]
    assert seconds_between(started, killing) > 0.9
    app = recon.of("web")
    assert (app["restarts"], app["revision"], app["drift"]) == (0, 1, [])


def test_what_the_children_hold_counts_and_recreate_stops_first(recon: Recon) -> None:
    recon.app(
        "tree",
        TREE,
        cwd="..",
        limits={"memory": "150Mi"},
        strategy={"type": "Recreate"},
        terminationGracePeriodSeconds=5,
    )
    recon.run()
    recon.healthy("tree", ready=1)
    before = recon.pids("tree")["tree-0"]
    (recon.manifests.parent / "go").touch()
    until(lambda: recon.pids("tree").get("tree-0") not in (None, before), what="it is replaced")
    (noticed,) = events(recon, "tree", "MemoryLimitExceeded")
    assert "in 4 processes (RSS " in noticed["message"]
    _, started = events(recon, "tree", "Started")
    (stopped,) = events(recon, "tree", "Stopped")
    assert stopped["time"] <= started["time"]


def test_one_that_outgrows_at_each_start_is_told_and_waits_longer_each_time(recon: Recon) -> None:
    recon.app(
        "fat",
        python("import time; held = bytearray(60 << 20); time.sleep(100000)"),
        limits={"memory": "40Mi"},
        backoff={"initialSeconds": 100, "maxSeconds": 100},
    )
    recon.run()
    message = until(
        lambda: next((m for m in [recon.of("fat").get("message", "")] if "replaced in" in m), ""),
        what="it waits on its ladder",
    )
    assert "2 times in a row" in message
    app = recon.of("fat")
    assert (app["sync"], app["ready"]) == ("Synced", 1)
    assert [drift["kind"] for drift in app["drift"]] == ["Outgrown"]
    # A new controller knows where it is on the ladder, and tells nothing again.
    recon.kill_controller()
    recon.run()
    until(lambda: "replaced in" in recon.of("fat")["message"], what="the new one sees it as well")
    assert len(events(recon, "fat", "MemoryLimitExceeded")) == 2
    pid = recon.pids("fat")["fat-0"]
    # A limit that is raised is applied in place.
    recon.app("fat", json.loads((recon.manifests / "fat.yaml").read_text())["spec"]["command"])
    recon.healthy("fat", message="", drift=[])
    assert recon.pids("fat") == {"fat-0": pid}


def test_the_history_is_drawn_with_and_without_a_controller(recon: Recon) -> None:
    recon.app("web", python("import time; time.sleep(100000)"), instances=2)
    recon.run()
    recon.healthy("web", ready=2)

    def known() -> list[int]:
        rows = recon.describe("web")["usage"]
        return [len(row["recent"]["rssBytes"]) for row in rows]

    until(lambda: len(known()) == 2 and all(known()), what="a sample of each")
    kept = known()
    assert "web-1" in recon.cli("top") and "web-1, the last" in recon.cli("describe", "web")
    recon.kill_controller()
    left = known()
    assert len(left) == 2 and all(n >= m - 1 for n, m in zip(left, kept, strict=True))
    assert "web-1" in recon.cli("top", "web")
    document = recon.json("top")
    assert document["controller"]["running"] is False
    assert all(row["rssBytes"] > MI for row in document["instances"])
    recon.run()
    assert all(n >= m for n, m in zip(known(), left, strict=True))
