"""Events on a real controller: crashes in detail, followed over kill -9, and who did what."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from e2e.harness import PROGRAM, Recon
from tests.waiting import until


class Watcher:
    """`recon events -f -o json`, and what it has printed."""

    def __init__(self, recon: Recon, *words: str) -> None:
        self.path = recon.state.parent / "followed.jsonl"
        command = [str(PROGRAM), "events", "-f", "-o", "json", *words]
        with open(self.path, "wb") as output, open(f"{self.path}.err", "wb") as errors:
            self.process = subprocess.Popen(
                command, env=recon.environment, stdout=output, stderr=errors
            )

    def seen(self) -> list[dict[str, Any]]:
        lines = self.path.read_text().splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def of(self, reason: str) -> list[dict[str, Any]]:
        return [event for event in self.seen() if event["reason"] == reason]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def watchers() -> Iterator[list[Watcher]]:
    made: list[Watcher] = []
    yield made
    for watcher in made:
        watcher.close()


def ends(recon: Recon, app: str) -> list[dict[str, Any]]:
    text = recon.cli("events", app, "-o", "json", "--reason", "exited")
    return [json.loads(line) for line in text.splitlines()]


def test_a_crash_is_told_with_code_lines_and_uptime_and_no_secret(recon: Recon) -> None:
    secret = recon.state.parent / "secret"
    secret.write_text("correct-horse-battery\n")
    secret.chmod(0o600)
    code = "import os, sys; sys.exit('cannot log in with ' + os.environ['PASSWORD'])"
    recon.app("web", [sys.executable, "-c", code], env={"PASSWORD": {"secretFile": str(secret)}})
    recon.run()
    crash = until(lambda: ends(recon, "web"))[0]["exit"]
    assert (crash["code"], crash["signal"], crash["core"], crash["port"]) == (1, None, None, None)
    assert crash["stderr"] == ["cannot log in with ***"] and 0 < crash["uptimeSeconds"] < 60
    text = recon.cli("events", "web")
    assert "! cannot log in with ***" in text
    assert "last crash: web-0 at " in recon.cli("status", "web")
    assert "last crash: web-0 at " in recon.cli("describe", "web")
    assert "correct-horse" not in text + json.dumps(recon.json("describe", "web", "-o", "json"))


def test_a_signal_is_told_by_name_with_the_core_file(recon: Recon) -> None:
    pattern = Path("/proc/sys/kernel/core_pattern").read_text().strip()
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    folder = recon.state.parent / "work"
    folder.mkdir()
    recon.app("web", ["sh", "-c", "kill -SEGV $$"], cwd=str(folder), limits={"coreSize": "1Mi"})
    recon.run()
    crash = until(lambda: ends(recon, "web"))[0]["exit"]
    assert (crash["code"], crash["signal"]) == (None, "SIGSEGV")
    if "/" not in pattern and not pattern.startswith("|") and hard != 0:
        cores = [str(path) for path in folder.iterdir()]
        assert crash["core"] in cores
        assert f"core file: {crash['core']}" in recon.cli("status", "web")


def test_the_port_in_the_way_is_told_with_who_has_it(recon: Recon) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        code = f"import socketserver as s; s.TCPServer(('127.0.0.1', {port}), None)"
        recon.app("web", [sys.executable, "-c", code, f"--port={port}"])
        recon.run()
        found = until(lambda: [one for one in ends(recon, "web") if one["exit"]["port"]])[0]
    port_in_use = found["exit"]["port"]
    assert port_in_use["number"] == port and f"pid {os.getpid()} (" in port_in_use["holder"]


def test_following_goes_on_over_kill_9_and_misses_nothing(
    recon: Recon, watchers: list[Watcher]
) -> None:
    recon.app("web", ["sleep", "1000"], instances=2)
    recon.run()
    recon.healthy("web", ready=2)
    watcher = Watcher(recon)
    watchers.append(watcher)
    until(lambda: len(watcher.of("Started")) == 2)
    recon.kill_controller()
    os.kill(pid := recon.pids("web")["web-0"], signal.SIGKILL)
    recon.run()
    until(lambda: len(watcher.of("ControllerStarted")) == 2)
    os.kill(recon.pids("web")["web-1"], signal.SIGKILL)
    crash = until(lambda: [e for e in watcher.of("Exited") if e["instance"] == 1])[0]
    assert crash["exit"]["signal"] == "SIGKILL" and crash["app"] == "web"
    until(lambda: len(watcher.of("Started")) == 4)
    assert str(pid) not in [event["message"] for event in watcher.of("Killing")]
    ids = [event["id"] for event in watcher.seen()]
    assert len({*ids}) == len(ids), "none twice"
    recorded = [json.loads(line)["id"] for line in recon.cli("events", "-o", "json").splitlines()]
    assert ids == [id for id in recorded if id in {*ids}] and {*recorded} <= {*ids}
    assert "the controller has ended" in Path(f"{watcher.path}.err").read_text()


def test_the_audit_says_who_did_what_and_at_which_commit(recon: Recon) -> None:
    identity = ["-c", "user.name=x", "-c", "user.email=x@x"]

    def git(*words: str) -> str:
        command = ["git", "-C", str(recon.manifests), *identity, *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    recon.app("web", ["sleep", "1000"])
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "x")
    recon.run()
    recon.healthy("web", ready=1)
    recon.cli("restart", "web")
    recon.cli("scale", "web=2")
    recon.app("web", ["sleep", "1000"], instances=3)

    def audited() -> list[dict[str, Any]]:
        text = recon.cli("events", "--audit", "-o", "json")
        return [json.loads(line) for line in text.splitlines()]

    def edits() -> list[dict[str, Any]]:
        return [event["by"] for event in audited() if event["reason"] == "ManifestChanged"]

    until(lambda: len(edits()) == 2)
    by = {event["reason"]: event["by"] for event in audited()}
    assert by["RestartRequested"]["verb"] == "restart"
    assert by["RestartRequested"]["uid"] == os.getuid()
    edit = {"verb": "edit", "user": None, "uid": None, "commit": git("rev-parse", "HEAD")}
    scale = {**edit, "verb": "scale", "uid": os.getuid(), "user": by["RestartRequested"]["user"]}
    assert edits() == [scale, edit], "an edit by hand has no user"
    assert all(event["by"] is not None for event in audited())
    assert "edit at commit " in recon.cli("events", "--audit")
