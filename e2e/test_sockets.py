"""Sockets that recon binds and hands over: shared by the instances, kept over everything."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
from pathlib import Path
from typing import Any

from e2e.harness import Recon, alive
from e2e.programs import SLEEP, socket_server
from reconciler.model.words.address import Address
from reconciler.observed.probes.listeners import listening
from tests.waiting import until


def ask(where: tuple[str, int] | str) -> str:
    """The body of one answer, over a connection of its own."""
    family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
    if not isinstance(where, str) and ":" in where[0]:
        family = socket.AF_INET6
    with socket.socket(family) as client:
        client.settimeout(60)
        client.connect(where)
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = b""
        while piece := client.recv(4096):
            answer += piece
    return answer.partition(b"\r\n\r\n")[2].decode()


def inode(port: int, host: str = "127.0.0.1") -> int:
    """Of the one socket that listens there."""
    [found] = listening(Address(host, port))
    return found


def told(recon: Recon, instance: int = 0) -> list[Any]:
    return [json.loads(line) for line in recon.log("web", instance)]


def test_all_instances_share_one_socket_and_each_is_told_of_it_rightly(
    recon: Recon, unused_port: int
) -> None:
    recon.app("web", socket_server(), instances=3, sockets=[{"name": "http", "port": unused_port}])
    recon.run()
    recon.healthy("web", ready=3)
    pids = set(map(str, recon.pids("web").values()))
    until(lambda: told(recon, 0), what="it tells what it was handed")
    # The listing itself takes the next number.
    assert told(recon)[0] == [["http"], [0, 1, 2, 3, 4]]
    answered: set[str] = set()

    def all_answer() -> bool:
        answered.add(ask(("127.0.0.1", unused_port)).split()[1])
        return answered == pids

    until(all_answer, what="each instance answers some request")


def test_a_probe_of_the_shared_port_asks_the_instance_itself(
    recon: Recon, unused_port: int
) -> None:
    """The shared socket answers from the first instance on; that must not vouch for a second."""
    program = socket_server()
    program[-1] = "import os\nif os.environ['RECON_ID'].split('/')[2] == '1':\n" + (
        "    import time; time.sleep(100000)\n" + program[-1]
    )
    probe = {"tcpSocket": {"port": unused_port}, "periodSeconds": 1}
    recon.app(
        "web",
        program,
        instances=2,
        sockets=[{"name": "http", "port": unused_port}],
        readinessProbe=probe,
    )
    recon.run()
    recon.wait("web", ready=1, health="Progressing")
    until(lambda: told(recon, 0), what="it tells what it was handed")
    assert told(recon)[0][0] == ["http", "http.probe"]
    rows = {row["name"]: row["ready"] for row in recon.of("web")["instances"]}
    assert rows == {"web-0": True, "web-1": False}


def test_a_connection_waits_while_no_instance_runs_and_none_is_refused(
    recon: Recon, unused_port: int
) -> None:
    recon.app("web", socket_server(), sockets=[{"name": "http", "port": unused_port}])
    recon.run()
    recon.healthy("web")
    [pid] = recon.pids("web").values()
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), what="it is gone, and what it had accepted with it")
    answer = ask(("127.0.0.1", unused_port))
    assert answer.startswith("hello ") and answer != f"hello {pid}"


def test_the_very_same_socket_is_fetched_back_after_a_crash_of_the_controller(
    recon: Recon, unused_port: int
) -> None:
    recon.app("web", socket_server(), sockets=[{"name": "http", "port": unused_port}])
    recon.run()
    recon.healthy("web")
    before = inode(unused_port)
    recon.kill_controller()
    recon.run()
    recon.healthy("web")
    [pid] = recon.pids("web").values()
    # The controller has it as well: the last instance may end, and connections only wait.
    controller = recon.controller
    assert controller is not None
    until(lambda: has_open(controller.pid, before), what="the controller has it again")
    os.kill(pid, signal.SIGKILL)
    until(lambda: not alive(pid), what="it is gone, and what it had accepted with it")
    assert ask(("127.0.0.1", unused_port)).startswith("hello ")
    assert inode(unused_port) == before


def test_a_stranger_on_the_port_is_named_and_when_it_leaves_all_goes_on(
    recon: Recon, unused_port: int
) -> None:
    stranger = socket.create_server(("127.0.0.1", unused_port))
    recon.app(
        "web",
        socket_server(),
        sockets=[{"name": "http", "port": unused_port}],
        backoff={"initialSeconds": 0.1, "maxSeconds": 0.2},
    )
    recon.run()
    # At one moment: between two tries it is neither degraded nor well.
    app = until(
        lambda: (app := recon.of("web"))["health"] == "Degraded" and _conflicts(app) and app,
        what="the conflict is told",
    )
    assert app
    [drift] = _conflicts(app)
    assert f"127.0.0.1:{unused_port} is held by pid {os.getpid()} (" in drift["detail"]
    assert f"held by pid {os.getpid()}" in app["message"]
    stranger.close()
    recon.healthy("web")
    assert conflicts(recon) == []


def test_a_conflict_is_told_without_a_controller_too(recon: Recon, unused_port: int) -> None:
    with socket.create_server(("127.0.0.1", unused_port)):
        recon.app("web", socket_server(), sockets=[{"name": "http", "port": unused_port}])
        [drift] = conflicts(recon)
    assert f"held by pid {os.getpid()}" in drift["detail"]


def test_a_port_declared_twice_is_an_error_at_both_places_and_stops_nothing(
    recon: Recon, unused_port: int
) -> None:
    recon.app("web", socket_server(), sockets=[{"name": "http", "port": unused_port}])
    recon.run()
    recon.healthy("web")
    pids = recon.pids("web")
    recon.app("other", SLEEP, sockets=[{"name": "a", "port": unused_port, "host": "0.0.0.0"}])
    text = recon.cli("validate", code=1)
    first = f"127.0.0.1:{unused_port} is also declared by other"
    assert first in text and f"other.yaml:{line_of(recon, 'other')}" in text
    second = f"0.0.0.0:{unused_port} is also declared by web"
    assert second in text and f"web.yaml:{line_of(recon, 'web')}" in text
    until(lambda: recon.status()["errors"], what="the status tells it as well")
    assert recon.pids("web") == pids and recon.pids("other") == {}


def test_two_apps_can_swap_their_ports(recon: Recon, unused_port: int) -> None:
    one, two = unused_port, unused_port + 1
    recon.app("a", socket_server("a"), sockets=[{"name": "http", "port": one}])
    recon.app("b", socket_server("b"), sockets=[{"name": "http", "port": two}])
    recon.run()
    recon.healthy("a")
    recon.healthy("b")
    recon.app("a", socket_server("a"), sockets=[{"name": "http", "port": two}])
    recon.app("b", socket_server("b"), sockets=[{"name": "http", "port": one}])
    recon.healthy("a", revision=2)
    recon.healthy("b", revision=2)
    assert ask(("127.0.0.1", one)).startswith("b ")
    assert ask(("127.0.0.1", two)).startswith("a ")


def test_another_address_is_rolled_out_and_the_old_one_is_left_at_its_end(
    recon: Recon, unused_port: int
) -> None:
    old, new = unused_port, unused_port + 1
    recon.app("web", socket_server(), instances=2, sockets=[{"name": "http", "port": old}])
    recon.run()
    recon.healthy("web")
    gate = recon.manifests / "gate"
    waiting = socket_server()
    waiting[-1] = (
        f"import os, time\nwhile not os.path.exists({str(gate)!r}): time.sleep(0.01)\n"
        + waiting[-1]
    )
    probe = {"tcpSocket": {"port": new}, "periodSeconds": 1}
    sockets = [{"name": "http", "port": new}]
    recon.app("web", waiting, instances=2, sockets=sockets, readinessProbe=probe)
    recon.wait("web", updated=1, health="Progressing")
    assert ask(("127.0.0.1", old)).startswith("hello")
    gate.touch()
    assert ask(("127.0.0.1", new)).startswith("hello")
    recon.healthy("web", revision=2, updated=2)
    until(lambda: not listening(Address("127.0.0.1", old)), what="the old one is closed")


def test_renaming_an_app_keeps_its_socket(recon: Recon, unused_port: int) -> None:
    for name in ("keep-0", "keep-1", "keep-2"):
        recon.app(name, SLEEP)
    sockets = [{"name": "http", "port": unused_port}]
    path = recon.app("web", socket_server("web"), sockets=sockets)
    recon.run()
    recon.healthy("web")
    before = inode(unused_port)
    path.unlink()
    recon.app("site", socket_server("site"), sockets=sockets)
    recon.healthy("site")
    until(lambda: not recon.of("web"), what="the old name is gone")
    assert inode(unused_port) == before
    assert ask(("127.0.0.1", unused_port)).startswith("site ")


def test_a_unix_socket_has_its_mode_and_goes_with_its_app(recon: Recon, tmp_path: Path) -> None:
    for name in ("keep-0", "keep-1", "keep-2"):
        recon.app(name, SLEEP)
    where = tmp_path / "x.sock"
    sockets = [{"name": "api", "path": "../x.sock", "mode": "0600"}]
    manifest = recon.app("web", socket_server(), instances=2, sockets=sockets)
    recon.run()
    recon.healthy("web")
    assert stat.S_IMODE(where.stat().st_mode) == 0o600
    assert ask(str(where)).startswith("hello ")
    before = where.stat().st_ino
    recon.kill_controller()
    recon.run()
    recon.healthy("web")
    assert ask(str(where)).startswith("hello ") and where.stat().st_ino == before
    manifest.unlink()
    until(lambda: not where.exists(), what="the file of the socket is removed")


def test_ipv6_is_an_address_like_any_other(recon: Recon, unused_port: int) -> None:
    sockets = [{"name": "http", "port": unused_port, "host": "::"}]
    recon.app("web", socket_server(), sockets=sockets)
    recon.run()
    recon.healthy("web")
    assert ask(("::1", unused_port)).startswith("hello ")
    assert ask(("127.0.0.1", unused_port)).startswith("hello ")


def test_down_leaves_nothing_listening(recon: Recon, unused_port: int) -> None:
    recon.app("web", socket_server(), sockets=[{"name": "http", "port": unused_port}])
    recon.run()
    recon.healthy("web")
    recon.cli("down")
    until(lambda: not listening(Address("127.0.0.1", unused_port)), what="nobody listens")


def conflicts(recon: Recon) -> list[dict[str, Any]]:
    return _conflicts(recon.of("web"))


def _conflicts(app: dict[str, Any]) -> list[dict[str, Any]]:
    return [d for d in app["drift"] if d["kind"] == "PortConflict"]


def line_of(recon: Recon, name: str) -> int:
    lines = (recon.manifests / f"{name}.yaml").read_text().splitlines()
    return next(n for n, line in enumerate(lines, 1) if '"sockets"' in line)


def has_open(pid: int, socket_inode: int) -> bool:
    links = []
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            links.append(os.readlink(f"/proc/{pid}/fd/{name}"))
        except FileNotFoundError:
            continue
    return f"socket:[{socket_inode}]" in links
