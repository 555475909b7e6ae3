"""What an instance that runs is waited for, by each kind of probe: the question, and what to do."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.diff.diagnosis import Cause, CauseCode, UnreadyInstance, why_not_ready
from reconciler.model.spec.manifest import AppSpec


def cause(probe: dict[str, Any] | None, told: str = "", **spec: Any) -> Cause:
    """Of instance 2, which has run for 7.9 s."""
    probes = {"readinessProbe": probe} if probe else {}
    made = AppSpec.model_validate({"command": ["node", "x.js"], **probes, **spec})
    return why_not_ready(UnreadyInstance(made, 2, told, 7.9))


@pytest.mark.parametrize(
    ("probe", "message", "remedy"),
    [
        (
            {"exec": {"command": ["./check", "db"]}},
            "the check ./check db: ",
            "`readinessProbe.exec`",
        ),
        ({"log": "listening on"}, "a line that matches 'listening on': ", "`readinessProbe.log`"),
        ({"notify": True}, "waiting for READY=1 (sd_notify): ", "call sd_notify"),
    ],
)
def test_a_probe_without_a_port_is_told_by_its_own_question(
    probe: dict[str, Any], message: str, remedy: str
) -> None:
    found = cause(probe)
    assert found.code is CauseCode.PROBE_FAILED
    assert message in found.message
    assert found.message.endswith(": no answer yet since 7 s")
    assert remedy in found.remedy


def test_an_app_without_a_probe_is_told_so() -> None:
    assert cause(None, "not up yet").message == "it has no probe: not up yet since 7 s"


@pytest.mark.parametrize(
    ("probe", "question"),
    [
        ({"tcpSocket": {"port": 3000}}, "connecting to 127.0.0.1:3000"),
        ({"tcpSocket": {"port": {"perInstance": 3000}}}, "connecting to 127.0.0.1:3002"),
        ({"httpGet": {"port": 3000, "path": "up"}}, "GET http://127.0.0.1:3000/up"),
        ({"httpGet": {"port": 3000, "scheme": "HTTPS"}}, "GET https://127.0.0.1:3000/"),
    ],
)
def test_a_probe_of_a_port_is_told_with_its_address(probe: dict[str, Any], question: str) -> None:
    found = cause(probe, "no answer within 1 s")
    assert found.code is CauseCode.NOT_LISTENING
    assert found.message.startswith(f"{question}: no answer within 1 s since 7 s")
    assert "startupProbe gives a slow program more time" in found.remedy


def test_the_startup_probe_is_asked_first_and_named() -> None:
    start = {"exec": {"command": ["./started"]}}
    found = cause({"notify": True}, startupProbe=start)
    assert found.message.startswith("the check ./started")
    assert "`startupProbe.exec`" in found.remedy


@pytest.mark.parametrize(
    ("command", "remedy"),
    [
        (["uvicorn", "site:app"], 'write readinessProbe: {log: "'),
        (["./own-server"], "serve all descriptors of LISTEN_FDS"),
    ],
)
def test_a_program_that_does_not_serve_its_private_socket_is_told_what_to_write(
    command: list[str], remedy: str
) -> None:
    probe = {"tcpSocket": {"port": 3000}}
    sockets = [{"name": "http", "port": 3000}]
    found = cause(probe, "connection refused", command=command, sockets=sockets)
    assert found.code is CauseCode.PROBE_FAILED
    assert remedy in found.remedy
