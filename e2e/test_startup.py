"""`recon startup` with a real systemd: restart, kill, shutdown, and the boot after it."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from e2e import host as machine
from e2e.box import Box, lacking
from e2e.harness import PROGRAM, manifest
from e2e.host import PROOF, SAYS_WHEN_IT_STOPS
from tests.waiting import until

pytestmark = pytest.mark.skipif(bool(lacking()), reason=f"SKIPPED: {lacking()}")


class Host(machine.Host):
    """One that systemd boots."""

    def show(self, name: str, unit: str = "recon") -> str:
        return self.box("systemctl", "show", "-p", name, "--value", unit).strip()

    @property
    def controller(self) -> int:
        return int(self.show("MainPID"))

    def comes_back(self, gone: int) -> None:
        """Until another controller than ``gone`` is up."""
        until(lambda: self.controller not in (0, gone), what="systemd started another controller")
        until(lambda: self.show("ActiveState") == "active", what="the controller is ready")


@pytest.fixture
def host() -> Iterator[Host]:
    box = Box()
    try:
        box.boot()
        yield Host(box)
    finally:
        box.close()


@pytest.fixture
def started(host: Host) -> Host:
    """`recon startup` was said once; `web` needs `db`."""
    host.app("db", ["sh", "-c", SAYS_WHEN_IT_STOPS, "db"])
    host.app("web", ["sh", "-c", SAYS_WHEN_IT_STOPS, "web"], dependsOn=["db"], instances=2)
    host.recon("startup")
    host.healthy("db", "web")
    return host


def test_apps_outlive_a_restart_a_kill_a_reload_and_a_stop_of_recon(started: Host) -> None:
    before, controller = started.pids(), started.controller
    started.box("systemctl", "restart", "recon")
    assert "2 apps declared, 3 processes" in started.show("StatusText")
    assert started.controller != controller
    controller = started.controller
    started.box("kill", "-9", str(controller))
    started.comes_back(controller)
    started.app("late", ["sleep", "1000"])
    started.box("systemctl", "reload", "recon")
    assert started.healthy("db", "late", "web").items() >= before.items()
    started.box("systemctl", "stop", "recon")
    assert started.show("ActiveState") == "inactive"
    started.box("systemctl", "start", "recon")
    assert started.healthy("db", "late", "web").items() >= before.items()
    assert not started.box.file(PROOF).exists()


@pytest.mark.parametrize("stopped_by_hand", [False, True])
def test_shutdown_stops_apps_in_their_order_and_a_boot_brings_them_back(
    started: Host, stopped_by_hand: bool
) -> None:
    if stopped_by_hand:
        started.box("systemctl", "stop", "recon")
    started.box.shut_down()
    assert started.box.file(PROOF).read_text().split() == ["web", "web", "db"]
    started.box.boot()
    started.healthy("db", "web")


def test_down_is_not_undone_by_the_unit_and_apply_starts_it_again(started: Host) -> None:
    started.recon("down")
    until(lambda: started.show("ActiveState") == "inactive", what="the unit knows that it ended")
    assert started.show("Result") == "success"
    assert not started.pids()
    started.recon("apply")
    assert started.controller > 0
    started.healthy("db", "web")


def test_a_controller_that_runs_hands_over_to_the_unit(host: Host) -> None:
    host.app("web", ["sleep", "1000"])
    host.recon("apply")
    before = host.healthy("web")
    assert "its apps keep running" in host.recon("startup")
    assert host.healthy("web") == before
    again, controller = host.recon("startup"), host.controller
    assert "its apps keep running" not in again
    assert controller > 0 and host.healthy("web") == before


def test_removal_leaves_the_apps_alone(started: Host) -> None:
    before = started.pids()
    told = started.recon("startup", "--remove")
    assert "keep running" in told
    assert started.pids() == before
    assert started.show("ActiveState") == "inactive"
    assert started.show("ActiveState", "recon-shutdown") == "inactive"
    assert "nothing to remove" in started.recon("startup", "--remove", code=1)
    started.recon("down")
    assert started.box.file(PROOF).read_text().split() == ["web", "web", "db"]


def test_a_controller_that_hangs_is_replaced_by_the_watchdog(started: Host) -> None:
    started.write("/etc/systemd/system/recon.service.d/w.conf", "[Service]\nWatchdogSec=5s\n")
    started.box("systemctl", "daemon-reload")
    started.box("systemctl", "restart", "recon")
    before, controller = started.pids(), started.controller
    started.box("kill", "-STOP", str(controller))
    started.comes_back(controller)
    assert started.show("NRestarts") == "1"
    assert started.pids() == before


def test_a_socket_that_no_process_holds_outlives_the_controller(host: Host) -> None:
    host.app("once", ["true"], restartPolicy="Never", sockets=[{"name": "http", "port": 7777}])
    host.recon("startup")
    until(lambda: host.states() == ["completed"], what="it has run, and ended")
    inode = _inode_of_listener(host, 7777)
    controller = host.controller
    host.box("kill", "-9", str(controller))
    host.comes_back(controller)
    assert inode and _inode_of_listener(host, 7777) == inode


def test_the_controller_is_the_last_to_be_killed_for_memory_and_its_apps_are_not(
    started: Host,
) -> None:
    allowed = started.box("cat", f"/proc/{started.controller}/status")
    mask = next(line.split()[1] for line in allowed.splitlines() if line.startswith("CapEff"))
    if not int(mask, 16) >> 24 & 1:
        pytest.skip("SKIPPED: this host keeps CAP_SYS_RESOURCE from root, which lowers the score")
    scores = [_score(started, pid) for pid in (started.controller, *started.pids().values())]
    assert scores[0] < 0 and set(scores[1:]) == {0}


def _score(host: Host, pid: int) -> int:
    return int(host.box("cat", f"/proc/{pid}/oom_score_adj"))


def _inode_of_listener(host: Host, port: int) -> str:
    for line in host.box("cat", "/proc/net/tcp").splitlines()[1:]:
        row = line.split()
        if row[1].endswith(f":{port:04X}") and row[3] == "0A":
            return row[9]
    return ""


def test_a_user_has_it_as_a_service_without_root(host: Host) -> None:
    box = host.box
    box("chmod", "755", "/root")  # below which the Python of these tests may lie
    box("useradd", "--create-home", "--uid", "4321", "alice")
    command = ["sh", "-c", SAYS_WHEN_IT_STOPS.replace(PROOF, "$HOME/proof"), "own"]
    host.write("/home/alice/manifests/own.yaml", manifest("own", command))
    box("systemctl", "start", "user@4321")
    alice = ["setpriv", "--reuid=4321", "--regid=4321", "--clear-groups", "env", "HOME=/home/alice"]
    alice += ["XDG_RUNTIME_DIR=/run/user/4321", "USER=alice"]
    place = ["-m", "/home/alice/manifests"]
    told = box(*alice, PROGRAM, "startup", "--user", *place)
    assert "loginctl enable-linger alice" in told

    def runs() -> bool:
        status = json.loads(box(*alice, PROGRAM, "status", "-o", "json", *place))
        health: str = status["apps"][0]["health"] if status["controller"]["running"] else ""
        return health == "Healthy"

    until(runs, what="alice's app runs")
    assert box("ps", "-o", "user=", "-C", "sh").split() == ["alice"]
    box(*alice, "systemctl", "--user", "restart", "recon")
    until(runs, what="alice's app runs")
    assert not box.file("/home/alice/proof").exists()
    box("systemctl", "stop", "user@4321")
    assert box.file("/home/alice/proof").read_text() == "own\n"
    box("systemctl", "start", "user@4321")
    until(runs, what="alice's app is back")
