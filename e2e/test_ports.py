"""Who answers a probe: while old and new overlap, only the new process's own socket counts."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import signal
import socket
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from e2e.harness import Recon, manifest
from e2e.programs import SLEEP, python, server
from tests.waiting import until

HANDS_ON = python(
    "import os, subprocess, sys\n"
    f"sys.exit(subprocess.call([sys.executable, '-I', '-S', '-c', {server()[-1]!r}]))"
)
"""Its child listens."""
TRIES = python(
    "import os, socket, time\n"
    "while True:\n"
    "    try: one = socket.create_server(('127.0.0.1', int(os.environ['PORT']))); break\n"
    "    except OSError: time.sleep(0.05)\n"
    "time.sleep(1e5)\n"
)
"""Waits for its port, however long that takes."""


def asks(port: int, kind: str = "httpGet", **more: Any) -> dict[str, Any]:
    return {"readinessProbe": {kind: {"port": port, **more}, "periodSeconds": 0.2}}


@contextmanager
def requests(port: int) -> Iterator[list[str]]:
    """Asks again and again; what went wrong, and one item for all that went well."""
    told: list[str] = []
    over = threading.Event()

    def ask() -> None:
        while not over.wait(0.005):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read()
            except OSError as error:
                told.append(str(error))

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield told
    finally:
        over.set()
        asking.join()


def condition(app: dict[str, Any], kind: str = "Progressing") -> str:
    return next(str(one["reason"]) for one in app["conditions"] if one["type"] == kind)


@pytest.mark.parametrize(
    ("kind", "edit"),
    [
        *(("httpGet", edit) for edit in (SLEEP, server("new"), TRIES, HANDS_ON)),
        *(("tcpSocket", edit) for edit in (SLEEP, server("new"))),
    ],
)
def test_an_edit_that_cannot_have_the_port_fails_at_once_and_the_old_one_serves_on(
    recon: Recon, unused_port: int, kind: str, edit: list[str]
) -> None:
    """It never listens, dies since the port is taken, waits for it, or has a child that dies."""
    env = {"PORT": str(unused_port)}
    recon.app("web", server(), env=env, **asks(unused_port, kind))
    recon.run()
    recon.healthy("web", ready=1)
    before = recon.pids("web")
    with requests(unused_port) as failed:
        recon.app("web", edit, env={**env, "V": "2"}, **asks(unused_port, kind))
        app = recon.wait("web", revision=2, health="Degraded", sync="OutOfSync", ready=1)
        until(lambda: recon.pids("web") == before, what="only the old one runs")
    assert failed == []
    assert condition(app) == "PortConflict"
    held = f"port {unused_port} is held by web-0 (pid {before['web-0']}, revision 1)"
    assert held in app["message"] and "sockets:" in app["message"], app["message"]
    assert "revision 2 is available" not in recon.cli("events", "web")
    # With the remedy it is tried again, and gets its port.
    if edit == server("new"):
        spec = {"strategy": {"maxSurge": 0}, **asks(unused_port, kind)}
        recon.app("web", edit, env={**env, "V": "2"}, **spec)
        recon.healthy("web", ready=1, revision=2)


def test_after_a_rename_what_the_old_app_answers_does_not_count(
    recon: Recon, unused_port: int
) -> None:
    env = {"PORT": str(unused_port)}
    recon.app("web", server(), env=env, **asks(unused_port))
    recon.app("other", SLEEP)
    recon.run()
    recon.healthy("web", ready=1)
    recon.write("web.yaml", manifest("site", SLEEP, env=env, **asks(unused_port)))
    until(lambda: not recon.of("web"), what="web is gone")
    assert recon.of("site")["ready"] == 0
    assert "RolloutComplete" not in recon.cli("events", "site")
    recon.write("web.yaml", manifest("site", server(), env=env, **asks(unused_port)))
    recon.healthy("site", ready=1)


def test_an_edit_that_moves_its_probe_to_another_apps_port_is_no_more_ready_by_that(
    recon: Recon, unused_port: int
) -> None:
    own, other = unused_port, unused_port + 1
    recon.app("api", server("api"), env={"PORT": str(other)}, **asks(other))
    recon.app("web", server(), env={"PORT": str(own)}, **asks(own))
    recon.run()
    recon.healthy("api", ready=1)
    recon.healthy("web", ready=1)
    api = recon.pids("api")["api-0"]
    recon.app("web", server(), env={"PORT": str(other)}, **asks(other))
    app = recon.wait("web", revision=2, health="Degraded", sync="OutOfSync", ready=1)
    assert f"port {other} is held by api-0 (pid {api}); running revision 1" in app["message"]
    assert "Choose another port, or add api to dependsOn" in app["message"]


def test_a_probe_of_another_apps_port_by_design_counts_as_ever(
    recon: Recon, unused_port: int
) -> None:
    recon.app("api", server("api"), env={"PORT": str(unused_port)}, **asks(unused_port))
    recon.app("worker", SLEEP, dependsOn=["api"], **asks(unused_port))
    recon.run()
    recon.healthy("worker", ready=1)
    recon.app("worker", SLEEP, env={"V": "2"}, dependsOn=["api"], **asks(unused_port))
    recon.healthy("worker", ready=1, revision=2)
    recon.app("late", SLEEP, dependsOn=["api"])
    recon.healthy("late", ready=1)
    recon.app("late", SLEEP, env={"V": "2"}, dependsOn=["api"], **asks(unused_port))
    recon.healthy("late", ready=1, revision=2)


SHARES = python(
    "import os, socket, time\n"
    "one = socket.create_server(('127.0.0.1', int(os.environ['PORT'])), reuse_port=True)\n"
    "time.sleep(1e5)\n"
)


@pytest.mark.parametrize(
    ("program", "spec"),
    [
        (SHARES, {"instances": 2}),
        (HANDS_ON, {"strategy": {"maxSurge": 0}}),
        (server(), {"strategy": {"type": "Recreate"}}),
    ],
)
def test_what_has_the_port_or_shares_it_rolls_as_ever(
    recon: Recon, unused_port: int, program: list[str], spec: dict[str, Any]
) -> None:
    env, probe = {"PORT": str(unused_port)}, asks(unused_port, "tcpSocket")
    recon.app("web", program, env=env, **spec, **probe)
    recon.run()
    count = spec.get("instances", 1)
    recon.healthy("web", ready=count)
    recon.app("web", program, env={**env, "V": "2"}, **spec, **probe)
    recon.healthy("web", ready=count, revision=2, updated=count)


def test_ports_of_the_same_app_by_number_roll_with_one_down_at_a_time(
    recon: Recon, unused_port: int
) -> None:
    port = {"perInstance": unused_port}
    spec = {"instances": 2, "strategy": {"maxSurge": 1, "maxUnavailable": 1}}
    probe = {"readinessProbe": {"httpGet": {"port": port}, "periodSeconds": 0.2}}
    recon.app("web", server(), env={"PORT": port}, **spec, **probe)
    recon.run()
    recon.healthy("web", ready=2)
    recon.app("web", server(), env={"PORT": port, "V": "2"}, **spec, **probe)
    recon.healthy("web", ready=2, revision=2, updated=2)


def test_a_journal_remembers_why_a_revision_failed(recon: Recon, unused_port: int) -> None:
    env = {"PORT": str(unused_port)}
    recon.app("web", server(), env=env, **asks(unused_port))
    recon.run()
    recon.healthy("web", ready=1)
    recon.app("web", SLEEP, env=env, **asks(unused_port))
    recon.wait("web", revision=2, health="Degraded", sync="OutOfSync", ready=1)
    recon.kill_controller()
    recon.run()
    app = recon.wait("web", revision=2, health="Degraded", sync="OutOfSync", ready=1)
    assert condition(app) == "PortConflict"
    history: Path | str = recon.cli("rollout", "history", "web", "-o", "json")
    assert json.loads(str(history))["revisions"][1]["state"] == "failed"


NOBODY = 65534


@pytest.fixture
def stranger(unused_port: int) -> Iterator[int]:
    """A server that is none of recon's, and where that can be another user's; its pid."""
    pid = os.fork()
    if pid == 0:
        _serve_as_nobody(unused_port)
    try:
        until(lambda: _listens(unused_port), what="the stranger listens")
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def _serve_as_nobody(port: int) -> None:
    """Says yes to everything, without end."""
    try:
        if os.geteuid() == 0:
            os.setresuid(NOBODY, NOBODY, NOBODY)
        with socket.create_server(("127.0.0.1", port)) as listener:
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")
    finally:
        os._exit(1)


def _listens(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


QUIET = python("raise SystemExit(3)")
"""Says nothing of why it ends."""


@pytest.mark.parametrize(
    "case",
    [
        (server(), None, "Degraded"),
        (server(), {}, "Degraded"),
        (QUIET, {}, "Degraded"),
        (SLEEP, {"scheme": "HTTPS"}, "Progressing"),
        (SLEEP, {}, "Healthy"),
    ],
    ids=["dies and says why", "dies though asked", "dies in silence", "not ready", "ready by it"],
)
def test_status_names_a_stranger_that_holds_the_port(
    recon: Recon, unused_port: int, stranger: int, case: tuple[list[str], Any, str]
) -> None:
    program, probe, health = case
    spec = asks(unused_port, **probe) if probe is not None else {}
    recon.app("web", program, env={"PORT": str(unused_port)}, **spec)
    recon.run()
    user = pwd.getpwuid(os.geteuid() or NOBODY).pw_name

    def told() -> bool:
        said = " ".join(recon.cli("status", "web").split())
        holder = f"pid {stranger} (" in said and f", user {user})" in said
        return holder and "stop that process, or give the program another port" in said

    recon.wait("web", health=health)
    until(told, what="the stranger is named, and what to do")
