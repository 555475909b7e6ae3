"""`recon metrics`: where it listens, and what it says of a place that is open to all."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
from typing import Any

import pytest

from tests.cli.conftest import Cli


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Where it would have served; it comes back at once."""
    found: list[tuple[str, int]] = []

    def run(coroutine: Any) -> None:
        for listener in coroutine.cr_frame.f_locals["listeners"]:
            found.append(listener.getsockname()[:2])
            listener.close()
        coroutine.close()

    monkeypatch.setattr(asyncio, "run", run)
    return found


@pytest.mark.parametrize(
    "listen",
    ["9464", ":9464", "127.0.0.1", "127.0.0.1:", "127.0.0.1:x", "::1:9464", "a:70000", "", "a:²"],
)
def test_what_is_no_address_is_a_usage_error(cli: Cli, listen: str) -> None:
    done = cli("metrics", "--listen", listen)
    assert done.code == 64 and "is not valid; write" in done.err


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_on_loopback_there_is_nothing_to_warn_of(
    cli: Cli, served: list[tuple[str, int]], host: str
) -> None:
    done = cli("metrics", "--listen", f"{host}:0")
    assert done.code == 0 and not done.err
    assert len({port for _, port in served}) == 1, "one port, whatever a name stands for"
    assert f"http://127.0.0.1:{served[0][1]}/metrics" in done.out


def test_an_open_address_is_warned_of(cli: Cli, served: list[tuple[str, int]]) -> None:
    done = cli("metrics", "--listen", "0.0.0.0:0")
    assert done.code == 0 and "anyone who reaches 0.0.0.0:" in done.err


def test_a_port_that_is_taken_is_named(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = cli("metrics", "--listen", f"127.0.0.1:{port}")
    assert done.code == 1
    assert done.err == f"recon: --listen 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize("host", ["nowhere.invalid", "192.0.2.1", "a" * 300])
def test_a_host_that_is_not_here_is_a_sentence(cli: Cli, host: str) -> None:
    done = cli("metrics", "--listen", f"{host}:9464")
    assert done.code == 1 and f"--listen {host}" in done.err and "fault in recon" not in done.err


def test_without_a_controller_there_is_nothing_to_print(cli: Cli) -> None:
    done = cli("metrics")
    assert done.code == 1 and "no controller is running" in done.err and not done.out


def test_neither_the_controller_nor_the_help_loads_prometheus_client() -> None:
    code = "import sys, reconciler.api.__main__, reconciler.cli.verbs.observe.metrics\n"
    code += "print([name for name in sys.modules if name.startswith('prometheus')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
