"""What is said to a service manager, and that nobody need be there to hear it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from reconciler.system import sd_notify


@pytest.mark.parametrize("abstract", [False, True])
def test_a_message_arrives_at_a_path_or_an_abstract_name(
    abstract: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = f"@recon-test-{os.getpid()}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + path[1:] if abstract else path)
        monkeypatch.setenv("NOTIFY_SOCKET", path)
        assert sd_notify.is_heard()
        sd_notify.send("READY=1\nSTATUS=é")
        assert manager.recv(4096).decode() == "READY=1\nSTATUS=é"


def test_a_manager_that_has_gone_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "nobody"))
    sd_notify.send("READY=1")
    monkeypatch.delenv("NOTIFY_SOCKET")
    sd_notify.send("READY=1")
    assert not sd_notify.is_heard()


@pytest.mark.parametrize(
    ("usec", "pid", "period"),
    [
        ("60000000", None, 60.0),
        ("500000", "own", 0.5),
        ("60000000", "1", None),
        ("0", None, None),
        ("x", None, None),
    ],
)
def test_the_watchdog_is_ours_to_feed_only_where_we_are_meant(
    usec: str, pid: str | None, period: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    if pid is not None:
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()) if pid == "own" else pid)
    assert sd_notify.watchdog_period() == period
