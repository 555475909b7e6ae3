"""The notifier as a process: lines in, reports out, and an end with its controller."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.notify.__main__ import lacking
from reconciler.notify.target import Target
from tests.notify.conftest import Web, message
from tests.waiting import until


class Far:
    """A notifier of this process."""

    def __init__(self) -> None:
        near, far = socket.socketpair()
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "reconciler.notify", str(os.getpid())], stdin=far.fileno()
        )
        far.close()
        near.settimeout(60)
        self.link = near
        self.reader = near.makefile("rb")

    def send(self, **line: Any) -> None:
        self.link.sendall(json.dumps(line).encode() + b"\n")

    def declare(self, *targets: Target) -> dict[str, Any]:
        self.send(do="declare", targets=[target.to_document() for target in targets])
        return self.heard()

    def heard(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.reader.readline())
        return found


@pytest.fixture
def far() -> Iterator[Far]:
    made = Far()
    yield made
    made.reader.close()
    made.link.close()
    made.process.kill()
    made.process.wait()


def test_it_sends_and_reports(far: Far, web: Web) -> None:
    assert far.declare(Target("ops", webhook=web.address))["error"] == ""
    far.send(do="send", message=message())
    assert far.heard() == {"id": message()["id"], "what": "sent"}
    far.send(do="test", message=message(id="test-1", kind="test"))
    assert far.heard() == {"id": "test-1", "what": "tested", "error": ""}
    assert [one["id"] for one in web.requests] == [message()["id"], "test-1"]


def test_one_that_is_forgotten_is_not_tried_again(far: Far, web: Web) -> None:
    web.answers = ["500"]
    far.declare(Target("ops", webhook=web.address))
    far.send(do="send", message=message())
    assert far.heard()["what"] == "failed"
    far.send(do="forget", id=message()["id"])
    far.send(do="send", message=message("gone"))  # of no target: nothing is done
    far.send(do="test", message=message(id="test-1"))
    assert far.heard()["what"] == "tested"


def test_it_ends_when_the_controller_closes_the_socket(far: Far, web: Web) -> None:
    web.answers = ["silent"]
    far.declare(Target("ops", webhook=web.address))
    far.send(do="send", message=message())
    far.reader.close()
    far.link.close()
    assert far.process.wait(60) == 0


def test_a_command_under_way_ends_with_the_notifier(far: Far, tmp_path: Path) -> None:
    script = "echo $$ > pid; exec sleep 600"
    far.declare(Target("ops", command=("sh", "-c", script), folder=str(tmp_path)))
    far.send(do="send", message=message())
    pid = tmp_path / "pid"
    until(lambda: pid.exists() and pid.read_text().strip())
    far.process.kill()
    until(lambda: not os.path.exists(f"/proc/{pid.read_text().strip()}"))


def test_it_does_not_begin_for_a_controller_that_has_ended() -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "reconciler.notify", "1"],
        stdin=subprocess.DEVNULL,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0


def test_what_apprise_is_needed_for(monkeypatch: pytest.MonkeyPatch) -> None:
    targets = {"a": Target("a", url="json://x"), "b": Target("b", command=("x",))}
    assert lacking(targets) == ""
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert lacking({"b": targets["b"]}) == ""
    assert "pip install 'recon-reconciler[notify]'" in lacking(targets)
