"""Advice from the manifest alone: what will work, and what to write where it will not."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.diff.lint.advice import advice_on
from reconciler.model.spec.job import JobSpec
from reconciler.model.spec.manifest import AppSpec

HTTP = {"httpGet": {"port": 3000}}
SOCKET = [{"name": "http", "port": 3000}]


def told(**spec: Any) -> list[tuple[str, str]]:
    found = AppSpec.model_validate({"command": ["node", "x.js"], **spec})
    return [(one.path, one.message) for one in advice_on(found)]


@pytest.mark.parametrize("port", [{"readinessProbe": HTTP}, {"env": {"PORT": "3000"}}])
def test_a_program_with_a_port_of_its_own_cannot_surge(port: dict[str, Any]) -> None:
    [(path, message)] = told(**port)
    assert path == "strategy" and "port 3000" in message
    assert "sockets" in message and "maxSurge: 0" in message and "Recreate" in message


def test_a_job_has_no_port_to_share_whatever_its_variables_are() -> None:
    job = JobSpec.model_validate({"command": ["node", "x.js"], "env": {"PORT": "3000"}})
    assert [*advice_on(job)] == []


def test_two_instances_cannot_share_a_port_that_is_not_a_socket() -> None:
    [(path, message)] = told(readinessProbe=HTTP, instances=2)
    assert path == "instances" and "{perInstance: 3000}" in message


def test_instances_with_ports_of_their_own_cannot_surge_either() -> None:
    [(path, message)] = told(env={"PORT": {"perInstance": 3000}}, instances=3)
    assert path == "strategy" and "maxSurge: 0" in message


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"readinessProbe": HTTP, "sockets": SOCKET, "instances": 4},
        {"readinessProbe": HTTP, "strategy": {"maxSurge": 0}},
        {"readinessProbe": HTTP, "strategy": {"type": "Recreate"}},
        {"env": {"PORT": {"perInstance": 3000}}, "instances": 2, "strategy": {"maxSurge": 0}},
    ],
)
def test_there_is_none_where_it_works(spec: dict[str, Any]) -> None:
    assert told(**spec) == []


@pytest.mark.parametrize(
    "command",
    [
        ["/srv/venv/bin/uvicorn", "--fd", "3", "site:app"],
        ["python", "-m", "hypercorn", "--bind", "fd://3", "site:app"],
        ["python", "uvicorn_server.py", "site:app"],
    ],
)
def test_a_server_of_one_descriptor_cannot_answer_the_probe_of_one_instance(
    command: list[str],
) -> None:
    [(path, message)] = told(command=command, sockets=SOCKET, readinessProbe=HTTP)
    assert path == "readinessProbe" and "{log: " in message and "notify" in message


@pytest.mark.parametrize(
    ("command", "remedy"),
    [
        (["uvicorn", "a:b", "--port", "3000"], "uvicorn a:b --fd 3"),
        (["uvicorn", "--port=3000", "--host", "0.0.0.0", "a:b"], "uvicorn a:b --fd 3"),
        (["python", "-m", "uvicorn", "a:b"], "python -m uvicorn a:b --fd 3"),
        (["hypercorn", "-b", "0.0.0.0:3000", "a:b"], "hypercorn a:b --bind fd://3"),
        (["flask", "run", "-p", "3000"], "gunicorn"),
        (["python", "-m", "http.server", "3000"], "gunicorn"),
        (["python", "manage.py", "runserver"], "gunicorn"),
    ],
)
def test_a_server_that_listens_itself_beside_a_socket_is_told_how_to_take_it(
    command: list[str], remedy: str
) -> None:
    [(path, message)] = told(command=command, sockets=SOCKET)
    assert path == "command" and remedy in message


@pytest.mark.parametrize(
    "command",
    [["gunicorn", "--bind", ":3000", "a:b"], ["uvicorn", "--fd", "3", "a:b"], ["node", "x.js"]],
)
def test_one_that_takes_the_socket_is_left_alone(command: list[str]) -> None:
    assert told(command=command, sockets=SOCKET) == []


def test_a_port_of_uvicorns_own_becomes_a_socket_that_it_takes() -> None:
    [(_, message)] = told(command=["uvicorn", "a:b", "--port", "3000"], readinessProbe=HTTP)
    assert "uvicorn a:b --fd 3" in message and '{log: "Application startup complete"}' in message


def test_words_of_a_shell_are_told_wherever_a_command_stands() -> None:
    found = told(
        command=["npm", "ci", "&&", "npm", "start"],
        build={"command": "npm ci && npm run build", "inputs": ["src"]},
        stop={"preStop": ["echo", "bye", ">", "log"]},
    )
    assert [path for path, _ in found] == ["command", "build.command", "stop.preStop"]


def test_a_name_in_a_command_that_the_app_does_not_have_is_told() -> None:
    [(path, message)] = told(command=["node", "x.js", "$(PORTT)"], env={"P": "3000"})
    assert path == "command" and "no variable PORTT" in message
