"""Readiness where no controller runs: each probe once, all at the same time, few at a time."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest

from reconciler.checks import ask_once
from reconciler.checks.ask_once import ask_all
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.observed import Process, ProcessId, RunState, Tag


def instance(nonce: str, port: int | None) -> tuple[AppSpec, Process]:
    probe: dict[str, Any] = {"readinessProbe": {"tcpSocket": {"port": port}}} if port else {}
    spec = AppSpec.model_validate({"command": ["true"], **probe})
    tag = Tag("store", "web", 0, "hash.-", nonce)
    return spec, Process(tag, ProcessId(1, 1), 0.0, RunState.RUNNING)


def test_each_instance_is_ready_as_its_own_probe_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ask_once, "_PROBES", 2)
    with socket.create_server(("127.0.0.1", 0)) as open_, socket.socket() as shut:
        shut.bind(("127.0.0.1", 0))  # and does not listen
        good, bad = open_.getsockname()[1], shut.getsockname()[1]
        asked = [instance(f"good{n}", good) for n in range(5)]
        asked += [instance("bad", bad), instance("unprobed", None)]
        found = ask_all(tmp_path, asked)
    assert found == {**{f"good{n}": True for n in range(5)}, "bad": False, "unprobed": True}
