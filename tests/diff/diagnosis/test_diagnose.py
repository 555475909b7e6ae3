"""From an exit and the last lines of output to the cause and what to do."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.diagnosis import (
    Cause,
    CauseCode,
    Evidence,
    Facts,
    Output,
    UnreadyInstance,
    answered_by_another,
    diagnose,
    perhaps_of_the_port,
    probed_port,
    why_not_ready,
    with_holder,
)
from reconciler.diff.diagnosis.output import LENGTH
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.observed import Exit

_FAILED, _NOTHING = Exit(1), Facts()


def spec_of(**spec: Any) -> AppSpec:
    return AppSpec.model_validate({"command": ["node", "x.js"], "cwd": "/srv", **spec})


def cause(
    text: str,
    exit: Exit | None = _FAILED,
    *,
    facts: Facts = _NOTHING,
    uptime: float = 0.2,
    **spec: Any,
) -> Cause:
    output = Output.of(text.split("\n"))
    found = diagnose(Evidence(spec_of(**spec), exit, "", uptime, output, facts))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "code", "message", "remedy"),
    [
        (
            "Error: Cannot find module 'express'\nRequire stack:\n- /srv/x.js",
            CauseCode.MODULE_MISSING,
            "express is not installed",
            "npm install",
        ),
        (
            "Error [ERR_MODULE_NOT_FOUND]: Cannot find package '@a/b' imported from /srv/x.mjs",
            CauseCode.MODULE_MISSING,
            "@a/b is not installed",
            "npm install",
        ),
        ("Error: Cannot find module '/srv/x.js'", CauseCode.FILE_MISSING, "/srv/x.js", "build it"),
        ("Error: Cannot find module './Conf'", CauseCode.FILE_MISSING, "./Conf", "case-sensitive"),
        (
            "/srv/x.js:7\nawait x\n^\nSyntaxError: Unexpected identifier\nNode.js v18.1.0",
            CauseCode.SYNTAX_ERROR,
            "/srv/x.js:7: SyntaxError",
            "newer Node than v18.1.0",
        ),
        (
            "/srv/x.js:1\nSyntaxError: Cannot use import statement outside a module",
            CauseCode.SYNTAX_ERROR,
            "outside a module",
            '"type": "module"',
        ),
        (
            'TypeError [ERR_UNKNOWN_FILE_EXTENSION]: Unknown file extension ".ts" for /srv/x.ts',
            CauseCode.RUNTIME_VERSION,
            "cannot run .ts files",
            "tsx",
        ),
        (
            "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
            CauseCode.OUT_OF_MEMORY,
            "heap",
            "--max-old-space-size",
        ),
        (
            '  File "/srv/x.py", line 3\n    def (:\nSyntaxError: invalid syntax',
            CauseCode.SYNTAX_ERROR,
            "/srv/x.py:3: SyntaxError: invalid syntax",
            "correct that line",
        ),
        (
            '  File "/srv/x.py", line 3\nIndentationError: unexpected indent',
            CauseCode.SYNTAX_ERROR,
            "/srv/x.py:3: IndentationError",
            "correct that line",
        ),
        (
            "ModuleNotFoundError: No module named 'yaml'",
            CauseCode.MODULE_MISSING,
            "yaml is not installed",
            "pip install PyYAML",
        ),
        (
            "python3: can't open file '/srv/main.py': [Errno 2] No such file or directory",
            CauseCode.FILE_MISSING,
            "/srv/main.py",
            "`cwd` (/srv)",
        ),
        ("MemoryError", CauseCode.OUT_OF_MEMORY, "MemoryError", "more memory"),
        (
            "Error: listen EADDRINUSE: address already in use :::3000\n  code: 'EADDRINUSE',",
            CauseCode.PORT_IN_USE,
            "port 3000 is in use",
            "ss -ltnp",
        ),
        (
            "ERROR: [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): "
            "address already in use",
            CauseCode.PORT_IN_USE,
            "port 8000 is in use",
            "another port",
        ),
        (
            "panic: listen tcp 127.0.0.1:8080: bind: address already in use",
            CauseCode.PORT_IN_USE,
            "port 8080 is in use",
            "another port",
        ),
        (
            "Address already in use\nPort 5000 is in use by another program.",
            CauseCode.PORT_IN_USE,
            "port 5000 is in use",
            "another port",
        ),
        (
            "Error: listen EACCES: permission denied 0.0.0.0:80",
            CauseCode.PORT_FORBIDDEN,
            "may not listen on port 80",
            "sockets: [{name: http, port: 80}]",
        ),
        (
            "Error: connect ECONNREFUSED 127.0.0.1:5432",
            CauseCode.REFUSED,
            "127.0.0.1:5432 (PostgreSQL)",
            "dependsOn",
        ),
        (
            'connection to server at "db" (10.0.0.1), port 5432 failed: Connection refused',
            CauseCode.REFUSED,
            "db:5432 (PostgreSQL)",
            "start that",
        ),
        (
            "Error: getaddrinfo ENOTFOUND redis",
            CauseCode.HOST_UNKNOWN,
            "redis cannot be resolved",
            "localhost here",
        ),
        (
            'FATAL: password authentication failed for user "crm"',
            CauseCode.LOGIN_REFUSED,
            "of crm",
            "password",
        ),
        (
            "Error: ENOENT: no such file or directory, open 'config.json'",
            CauseCode.FILE_MISSING,
            "config.json in its working directory /srv",
            "`cwd`",
        ),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: '/etc/crm.ini'",
            CauseCode.FILE_MISSING,
            "/etc/crm.ini",
            "create it",
        ),
        (
            "PermissionError: [Errno 13] Permission denied: '/var/log/crm/a.log'",
            CauseCode.FILE_FORBIDDEN,
            "/var/log/crm/a.log",
            "chown",
        ),
        (
            "x: error while loading shared libraries: libpq.so.5: cannot open shared object file: "
            "No such file or directory",
            CauseCode.LIBRARY_MISSING,
            "libpq.so.5",
            "install the package",
        ),
        ("sh: 1: foo: not found", CauseCode.COMMAND_MISSING, "foo", "env.PATH"),
        ("bash: line 3: foo: command not found", CauseCode.COMMAND_MISSING, "foo", "env.PATH"),
        ("x.sh: 2: cd: can't cd to /tmp\r: x", CauseCode.LINE_ENDS, "Windows", "sed -i"),
        ("x.sh: line 2: $'\\r': command not found", CauseCode.LINE_ENDS, "Windows", "sed -i"),
        (
            "os.environ['DATABASE_URL']\nKeyError: 'DATABASE_URL'",
            CauseCode.VARIABLE_MISSING,
            "DATABASE_URL is not set",
            "envFrom",
        ),
        ("ENOSPC: no space left on device, write", CauseCode.DISK_FULL, "no space", "df -h"),
        ("ValueError: no such plan", CauseCode.ERROR, "ValueError: no such plan", "output"),
    ],
)
def test_what_programs_say(text: str, code: CauseCode, message: str, remedy: str) -> None:
    found = cause(text)
    assert found.code is code, found
    assert message in found.message and remedy in found.remedy, found


@pytest.mark.parametrize(
    ("command", "facts", "remedy"),
    [
        ([".venv/bin/uvicorn", "x:y"], Facts(), ".venv/bin/python -m pip install flask"),
        (["python3", "x.py"], Facts(python="venv/bin/python"), "write venv/bin/python"),
        (["python3", "x.py"], Facts(), "python3 -m venv .venv"),
        (
            ["/opt/e/bin/python", "x.py"],
            Facts(requirements="requirements.txt"),
            "cd /srv && /opt/e/bin/python -m pip install -r requirements.txt",
        ),
    ],
)
def test_a_python_package_goes_into_the_environment_that_the_app_runs(
    command: list[str], facts: Facts, remedy: str
) -> None:
    found = cause("ModuleNotFoundError: No module named 'flask'", facts=facts, command=command)
    assert remedy in found.remedy


@pytest.mark.parametrize(
    ("exit", "code", "message"),
    [
        (Exit(signal=11), CauseCode.SIGNAL, "SIGSEGV"),
        (Exit(signal=9), CauseCode.SIGNAL, "the kernel out of memory: see dmesg)"),
        (Exit(signal=9, detail="a person: not the kernel"), CauseCode.SIGNAL, "(a person: not"),
        (Exit(signal=40), CauseCode.SIGNAL, "SIGRTMIN+6"),
        (
            Exit(signal=9, reason="OOMKilled", detail="more than 400 MiB"),
            CauseCode.OUT_OF_MEMORY,
            "400",
        ),
        (Exit(137), CauseCode.OUT_OF_MEMORY, "137"),
        (Exit(127), CauseCode.COMMAND_MISSING, "127"),
        (Exit(3), CauseCode.UNKNOWN, "exit 3"),
        (Exit(), CauseCode.UNKNOWN, "exit unknown"),
    ],
)
def test_an_end_without_a_word(exit: Exit, code: CauseCode, message: str) -> None:
    found = cause("", exit)
    assert (found.code, message in found.message) == (code, True), found


def test_a_service_that_ends_well_at_once_is_a_job() -> None:
    found = cause("done", Exit(0))
    assert found.code is CauseCode.ENDS_AT_ONCE
    assert "kind: Job" in found.remedy and "OnFailure" in found.remedy
    calm = Evidence(spec_of(), Exit(0), "", 3600.0)
    assert diagnose(calm) is None
    assert diagnose(Evidence(spec_of(restartPolicy="OnFailure"), Exit(0), "", 0.1)) is None


def test_a_port_is_told_with_who_holds_it() -> None:
    found = cause("listen EADDRINUSE: address already in use :::3000")
    assert found.port == 3000
    assert "pid 7 (nginx)" in with_holder(found, "pid 7 (nginx)").message
    assert "maxSurge: 0" in with_holder(found, "web-0 (pid 8)", same_app=True).remedy


def test_a_port_that_recon_holds_for_the_app_is_told_so() -> None:
    found = cause(
        "[Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): address already"
        " in use",
        command=["uvicorn", "site:app", "--port", "8000"],
        sockets=[{"name": "http", "port": 8000}],
    )
    assert found.code is CauseCode.PORT_IN_USE and found.port is None
    assert "declared under `sockets`" in found.message and "uvicorn site:app --fd 3" in found.remedy


HTTP = {"httpGet": {"path": "/health", "port": 3001}}


@pytest.mark.parametrize(
    ("listens", "code", "message", "remedy"),
    [
        ({3000}, CauseCode.WRONG_PORT, "the program listens on 3000", "port: 3000"),
        (set(), CauseCode.NOT_LISTENING, "listens on no port", "3001"),
        ({3000, 3001}, CauseCode.PROBE_FAILED, "connection refused", "listens on 3001"),
    ],
)
def test_a_probe_that_fails_is_told_with_the_ports_of_the_program(
    listens: set[int], code: CauseCode, message: str, remedy: str
) -> None:
    told = "connection refused on 127.0.0.1:3001"
    asked = UnreadyInstance(spec_of(readinessProbe=HTTP), 0, told, 34.6, frozenset(listens))
    found = why_not_ready(asked)
    assert found.code is code
    start = "GET http://127.0.0.1:3001/health: connection refused since 34 s"
    assert found.message.startswith(start) and message in found.message
    assert remedy in found.remedy


def test_one_that_is_not_ready_since_a_stranger_has_its_port_is_told_who() -> None:
    told = "HTTP 404 from /health"
    asked = UnreadyInstance(
        spec_of(readinessProbe=HTTP), 0, told, 3, holder="pid 7 (nginx, user www)"
    )
    found = why_not_ready(asked)
    assert found.code is CauseCode.PORT_IN_USE and "stop that" in found.remedy
    assert found.message.endswith(
        "HTTP 404 from /health since 3 s; port 3001 is held by pid 7 (nginx, user www)"
    )
    same = why_not_ready(replace(asked, holder="web-0 (pid 8)", same_app=True))
    assert "maxSurge: 0" in same.remedy


def test_one_that_is_ready_by_what_a_stranger_answers_is_told_so() -> None:
    asked = UnreadyInstance(
        spec_of(readinessProbe=HTTP), 0, "", 3, holder="pid 7 (nginx, user www)"
    )
    found = answered_by_another(asked)
    assert found.code is CauseCode.ANOTHER_ANSWERS
    assert (
        "is answered by pid 7 (nginx, user www): the program itself listens on no port"
        in found.message
    )


def test_of_an_end_without_a_reason_who_has_the_port_may_be_one() -> None:
    silent = cause("", exit=_FAILED)
    found = perhaps_of_the_port(silent, 3001, "pid 7 (nginx, user www)")
    assert (
        found.message
        == f"{silent.message}; port 3001, at which it is asked, is held by pid 7 (nginx, user www)"
    )
    assert found.remedy.startswith("stop that")
    clear = cause("Error: Cannot find module 'express'")
    assert perhaps_of_the_port(clear, 3001, "pid 7") == clear


@pytest.mark.parametrize(
    ("spec", "port"),
    [
        ({"readinessProbe": HTTP}, 3001),
        ({"readinessProbe": {"tcpSocket": {"port": {"perInstance": 4000}}}}, 4002),
        ({"startupProbe": HTTP, "readinessProbe": {"log": "up"}}, 3001),
        ({"readinessProbe": {"log": "up"}}, None),
        ({"readinessProbe": HTTP, "sockets": [{"name": "http", "port": 3001}]}, None),
        ({}, None),
    ],
)
def test_the_port_at_which_an_instance_is_asked(spec: dict[str, Any], port: int | None) -> None:
    assert probed_port(spec_of(**spec), 2) == port


def test_an_excerpt_begins_with_the_error_and_is_fit_to_be_shown() -> None:
    stack = [f"    at f{n} (/srv/x.js:{n}:1)" for n in range(20)]
    node = "    at Module._load (node:internal/modules/cjs/loader:1:1)"
    output = Output.of(["up \x1b[31mred\x1b[0m", "TypeError: x\x07y", *stack, node, "", "}"])
    shown = output.excerpt(4)
    assert shown[0] == "TypeError: x y" and len(shown) == 4
    assert node not in output.excerpt(99) and "up red" in output.excerpt(99)


@given(st.lists(st.text(), max_size=5), st.builds(Exit, st.integers(0, 255)))
def test_no_output_makes_it_fail(lines: list[str], exit: Exit) -> None:
    found = diagnose(Evidence(spec_of(), exit, "", 1.0, Output.of(lines)))
    assert found is None or found.message


@pytest.mark.parametrize(
    "line",
    [
        "'" * 10**6,
        ":" * 10**6,
        "a: " * 10**6,
        "1:" * 10**6,
        'File "' * 10**6,
        "ErrorError: " * 10**6,
    ],
)
def test_a_hostile_line_costs_no_more_than_a_plain_one(line: str) -> None:
    """A ratio in the same run: what is searched is bounded before it is searched."""

    def took(text: str) -> float:
        began = time.process_time()
        for _ in range(5):
            diagnose(Evidence(spec_of(), Exit(1), "", 1.0, Output.of([text] * 50)))
        return time.process_time() - began

    took("warm up")
    plain = took("x" * LENGTH)
    assert took(line) < 40 * plain
