"""A whole controller, and a service manager of the test's own that listens to it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.api.client import Client
from reconciler.api.daemon.service import STOPPED
from reconciler.api.errors import ClientError
from tests.waiting import until

MANIFEST = """\
apiVersion: recon/v1
kind: App
metadata: {name: web}
spec: {command: [sleep, "1000"]}
"""


class Manager:
    """Starts one controller as systemd would, and keeps what it says."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.heard: list[str] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.bind(str(home / "notify"))
        (home / "manifests").mkdir()
        (home / "manifests/web.yaml").write_text(MANIFEST)
        self.controller = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        words = [
            sys.executable,
            "-m",
            "reconciler.api",
            "--manifests",
            str(self.home / "manifests"),
        ]
        told = {"NOTIFY_SOCKET": str(self.home / "notify"), "WATCHDOG_USEC": "400000"}
        return subprocess.Popen(
            [*words, "--state-dir", str(self.home / "state")],
            env={**os.environ, **told},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    def hears(self, line: str) -> bool:
        """Whether ``line`` was said since the last time that something was looked for."""
        while True:
            try:
                self.heard += self._socket.recv(65536).decode().splitlines()
            except BlockingIOError:
                break
        if line not in self.heard:
            return False
        self.heard = self.heard[self.heard.index(line) + 1 :]
        return True

    def down(self) -> None:
        Client(self.home / "state/recon.sock").down()

    def _downed(self) -> bool:
        try:
            self.down()
        except ClientError:
            return False
        return True

    def close(self) -> None:
        if self.controller.poll() is not None:
            self.controller = self._start()
        until((self.home / "state/recon.sock").exists, what="it listens")
        until(self._downed, what="it was told to stop everything")
        self.controller.wait(timeout=60)
        self._socket.close()


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    manager = Manager(tmp_path)
    try:
        yield manager
    finally:
        manager.close()


def test_ready_when_all_is_loaded_then_signs_of_life_then_stopping(manager: Manager) -> None:
    until(lambda: manager.hears("READY=1"), what="it is ready")
    assert any("1 apps declared" in line for line in manager.heard)
    for _ in range(2):
        until(lambda: manager.hears("WATCHDOG=1"), what="a sign of life")
    manager.controller.send_signal(signal.SIGTERM)
    until(lambda: manager.hears("STOPPING=1"), what="it says that it leaves")
    assert manager.controller.wait(timeout=60) == 0


def test_a_reload_is_said_to_begin_and_to_be_done(manager: Manager) -> None:
    until(lambda: manager.hears("READY=1"), what="it is ready")
    (manager.home / "manifests/late.yaml").write_text(MANIFEST.replace("web", "late"))
    manager.controller.send_signal(signal.SIGHUP)
    until(lambda: manager.hears("RELOADING=1"), what="the reload has begun")
    until(lambda: manager.hears("READY=1"), what="the reload is done")
    assert any("2 apps declared" in line for line in manager.heard)


def test_what_was_stopped_on_request_is_told_by_the_exit_code(manager: Manager) -> None:
    until(lambda: manager.hears("READY=1"), what="it is ready")
    manager.down()
    assert manager.controller.wait(timeout=60) == STOPPED
