"""`recon startup` with a real OpenRC: restart, kill, shutdown, and the boot after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e import openrc
from e2e.box import Box
from e2e.host import PROOF, SAYS_WHEN_IT_STOPS, Host
from tests.waiting import until

SERVICE = "rc-service"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    try:
        return openrc.fetched(tmp_path_factory.mktemp("openrc"))
    except openrc.NotHere as error:
        pytest.skip(f"SKIPPED: no OpenRC: {error}")


@pytest.fixture
def host(files: Path) -> Iterator[Host]:
    """`recon startup` was said once; `web` needs `db`."""
    box = openrc.container(files)
    try:
        box.boot()
        made = Host(box)
        made.write("/etc/recon/env", "WORD='two words'\n")
        made.app("db", ["sh", "-c", SAYS_WHEN_IT_STOPS, "db"], env={"WORD": {"fromEnv": "WORD"}})
        made.app("web", ["sh", "-c", SAYS_WHEN_IT_STOPS, "web"], dependsOn=["db"], instances=2)
        made.recon("startup")
        made.healthy("db", "web")
        yield made
    finally:
        box.close()


def controller(host: Host) -> int:
    """Its pid, as OpenRC knows it."""
    return int(host.box("cat", "/run/openrc/options/recon/child_pid", code=None) or 0)


def answers(host: Host) -> bool:
    return "no controller is running" not in host.recon("status", code=None)


def test_apps_outlive_a_restart_a_kill_a_reload_and_a_stop_of_recon(host: Host) -> None:
    before, first = host.pids(), controller(host)
    assert "WORD=two words" in host.box("cat", f"/proc/{before['db-0']}/environ").split("\0")
    host.box(SERVICE, "recon", "restart")
    until(lambda: answers(host), what="another controller")
    assert "status: started" in host.box(SERVICE, "recon", "status")
    second = controller(host)
    assert second not in (0, first) and host.healthy("db", "web") == before
    host.box("kill", "-9", str(second))
    until(lambda: controller(host) not in (0, second) and answers(host), what="it is kept up")
    host.app("late", ["sleep", "1000"])
    host.box(SERVICE, "recon", "reload")
    assert host.healthy("db", "late", "web").items() >= before.items()
    host.box(SERVICE, "recon", "stop")
    assert "status: stopped" in host.box(SERVICE, "recon", "status", code=3)
    assert not answers(host)
    host.box(SERVICE, "recon", "start")
    assert host.healthy("db", "late", "web").items() >= before.items()
    host.recon("startup")  # once more: what runs hands over
    until(lambda: answers(host), what="another controller")
    assert host.healthy("db", "late", "web").items() >= before.items()
    assert not host.box.file(PROOF).exists()


@pytest.mark.parametrize("first", [[], ["openrc", "off"]])
def test_shutdown_stops_apps_in_their_order_and_a_boot_brings_them_back(
    host: Host, first: list[str]
) -> None:
    if first:  # as Debian's sysvinit begins it
        host.box(*first)
        assert proof(host.box) == ["web", "web", "db"]
    host.box.shut_down()
    assert proof(host.box) == ["web", "web", "db"]
    host.box.boot()
    host.healthy("db", "web")
    assert "status: started" in host.box(SERVICE, "recon", "status")


def proof(box: Box) -> list[str]:
    return box.file(PROOF).read_text().split()


def test_everything_is_stopped_and_removed_as_it_is_told(host: Host) -> None:
    before = host.pids()
    assert "keep running" in host.recon("startup", "--remove")
    assert host.pids() == before
    assert "does not exist" in host.box(SERVICE, "recon", "status", code=None)
    assert "recon" not in host.box("rc-update", "show")
    host.recon("down")
    assert proof(host.box) == ["web", "web", "db"]
    host.box.shut_down()
    host.box.boot()
    assert not host.pids()
