"""The usual first failures: `recon status NAME` alone tells cause and remedy, on one screen.

Real programs and real ports, all of them under one controller. The real kill when memory runs out
needs the memory controller of cgroup v2; see ``test_memory``.
"""

from __future__ import annotations

import json
import shutil
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest

from e2e.harness import Recon
from tests.ports import ports
from tests.waiting import until

SERVER = "require('http').createServer((q, s) => s.end('ok')).listen({port})"
QUIET = {"strategy": {"maxSurge": 0}}


class Failure(NamedTuple):
    """One app that fails; ``{port}`` and ``{taken}`` stand for ports of the test."""

    name: str
    command: str | list[str]
    files: dict[str, str]
    cause: list[str]
    remedy: list[str]
    spec: Mapping[str, Any] = MappingProxyType({})
    kind: str = "App"


def probe(port: str) -> dict[str, Any]:
    check = {"httpGet": {"path": "/health", "port": port}, "periodSeconds": 0.2}
    return {"readinessProbe": check, **QUIET}


FAILURES = [
    Failure("missing-program", ["nodee", "x.js"], {}, ["no program nodee"], ["in PATH"]),
    Failure(
        "syntax-error",
        "node x.js",
        {"x.js": "let a = 1;\nconst = 5;\n"},
        ["x.js:2: SyntaxError"],
        ["correct that line"],
    ),
    Failure(
        "python-syntax",
        "python3 x.py",
        {"x.py": "import os\ndef f(:\n"},
        ["x.py:2: SyntaxError"],
        ["correct that line"],
    ),
    Failure(
        "missing-module",
        "node x.js",
        {"x.js": "require('express')", "package.json": "{}"},
        ["express is not installed", "Cannot find module 'express'"],
        ["npm install"],
    ),
    Failure(
        "python-module",
        "python3 x.py",
        {"x.py": "import no_such", "requirements.txt": "no_such"},
        ["no_such is not installed"],
        ["pip install -r requirements.txt"],
    ),
    Failure(
        "port-in-use",
        "node x.js",
        {"x.js": SERVER},
        ["port {taken} is held by pid"],
        ["another port"],
        {"env": {"P": "{taken}"}},
    ),
    Failure("wrong-cwd", "node dist/main.js", {}, ["there is no file"], ["`cwd`"]),
    Failure("no-cwd", "node main.js", {}, ["is not a directory"], ["create it"], {"cwd": "gone"}),
    Failure(
        "wrong-file",
        "node x.js",
        {"x.js": "require('fs').readFileSync('config.json')"},
        ["no file config.json in its working directory"],
        ["`cwd`"],
    ),
    Failure(
        "wrong-env",
        "node x.js",
        {"x.js": ""},
        [".env.production does not exist"],
        ["create it"],
        {"envFrom": [".env.production"]},
    ),
    Failure(
        "bad-env",
        "node x.js",
        {"x.js": "", "bad.env": "A=1\nnot a line\n"},
        ["bad.env:2"],
        ["NAME=value"],
        {"envFrom": ["{home}/bad.env"]},
    ),
    Failure(
        "missing-variable",
        "python3 x.py",
        {"x.py": "import os\nos.environ['DATABASE_URL']\n"},
        ["DATABASE_URL is not set"],
        ["envFrom"],
    ),
    Failure(
        "exits-at-once",
        "node x.js",
        {"x.js": "console.log('done')"},
        ["exits at once with code 0"],
        ["kind: Job", "restartPolicy: OnFailure"],
    ),
    Failure(
        "out-of-heap",
        "node --max-old-space-size=20 x.js",
        {"x.js": "const a = []; for (;;) a.push(new Array(10000).fill(1.5))"},
        ["JavaScript heap out of memory", "SIGABRT"],
        ["--max-old-space-size"],
    ),
    Failure(
        "out-of-memory",
        "python3 x.py",
        {
            "x.py": "import resource\nresource.setrlimit(resource.RLIMIT_AS, (2**28, 2**28))\n"
            "b'x' * 2**30\n"
        },
        ["MemoryError"],
        ["more memory"],
    ),
    Failure(
        "killed",
        ["sh", "-c", "kill -KILL $$"],
        {},
        ["killed by signal 9 (SIGKILL) from outside (a person"],
        ["who sends"],
    ),
    Failure(
        "segfault", ["sh", "-c", "kill -SEGV $$"], {}, ["SIGSEGV (signal 11)"], ["native module"]
    ),
    Failure(
        "never-ready",
        "node x.js",
        {"x.js": "setInterval(() => {}, 1000)"},
        ["GET http://127.0.0.1:{port}/health: connection refused since", "listens on no port"],
        ["have it listen on {port}"],
        probe("{port}"),
    ),
    Failure(
        "wrong-port",
        "node x.js",
        {"x.js": SERVER.replace("{port}", "{own}")},
        ["http://127.0.0.1:{port}/health: connection refused since", "listens on {own}"],
        ["write port: {own} in `readinessProbe`"],
        probe("{port}"),
    ),
    Failure(
        "daemon",
        ["sh", "x.sh"],
        {"x.sh": "sleep 5 &\nexit 0\n"},
        ["left pid", "running and exited"],
        ["foreground"],
    ),
    Failure(
        "shell-syntax",
        "node x.js && node y.js",
        {"x.js": ""},
        ["uses shell syntax"],
        ['command: [sh, -c, "node x.js && exec node y.js"]'],
    ),
    Failure(
        "shell-job",
        "echo hi > out.log",
        {},
        ["> is shell syntax"],
        ["command: echo hi, logs: {{stdout:"],
        kind="Job",
    ),
    Failure(
        "crlf",
        ["sh", "x.sh"],
        {"x.sh": "cd /tmp\r\nnode x.js\r\n"},
        ["end with CR LF as on Windows"],
        ["sed -i 's/\\r$//' x.sh"],
    ),
    Failure(
        "not-executable", ["./x.sh"], {"x.sh": "#!/bin/sh\n"}, ["is not executable"], ["chmod +x"]
    ),
    Failure(
        "old-node",
        "node x.js",
        {"x.js": "class A { @dec x = 1 }\n"},
        ["x.js:1: SyntaxError"],
        ["newer Node than v"],
    ),
    Failure(
        "no-database",
        "node x.js",
        {"x.js": "require('net').connect({port}, '127.0.0.1')"},
        ["connection refused by 127.0.0.1:{port}"],
        ["dependsOn"],
    ),
    Failure(
        "failed-job",
        "node x.js",
        {"x.js": "throw new Error('migration 42')"},
        ["Error: migration 42"],
        ["fix the program"],
        {"backoffLimit": 0},
        "Job",
    ),
]


@pytest.fixture(scope="module")
def numbers() -> Iterator[dict[str, int]]:
    with ports() as first, socket.create_server(("127.0.0.1", 0)) as taken:
        # Nobody listens on the first of these; the second is one of the programs'.
        yield {"port": first, "own": first + 1, "taken": taken.getsockname()[1]}


@pytest.fixture(scope="module")
def recon(tmp_path_factory: pytest.TempPathFactory, numbers: dict[str, int]) -> Iterator[Recon]:
    """One controller with all the failures, each of which has happened."""
    home = tmp_path_factory.mktemp("failures")
    one = Recon(home)
    try:
        one.environment["COLUMNS"] = "80"
        for failure in FAILURES:
            _write(one, failure, numbers)
        one.run()
        until(lambda: all(_is_over(one, failure) for failure in FAILURES), what="all have failed")
        yield one
    finally:
        one.close()


def _filled(value: Any, numbers: dict[str, int], home: Path) -> Any:
    """``value`` with the ports of this run; a text that is nothing but a port is a number."""
    if isinstance(value, Mapping):
        return {key: _filled(one, numbers, home) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, numbers, home) for one in value]
    if value == "{port}":
        return numbers["port"]
    for name, number in numbers.items():
        value = value.replace(f"{{{name}}}", str(number)) if isinstance(value, str) else value
    return value.replace("{home}", str(home)) if isinstance(value, str) else value


def _write(recon: Recon, failure: Failure, numbers: dict[str, int]) -> None:
    home = recon.manifests.parent / "programs" / failure.name
    home.mkdir(parents=True)
    taken = {**numbers, "port": numbers["taken"]} if failure.name == "port-in-use" else numbers
    for name, text in failure.files.items():
        (home / name).write_bytes(_filled(text, taken, home).encode())
    spec = {"cwd": str(home), **_filled(failure.spec, numbers, home)}
    document = {
        "apiVersion": "recon/v1",
        "kind": failure.kind,
        "metadata": {"name": failure.name},
        "spec": {"command": failure.command, **spec},
    }
    recon.write(f"{failure.name}.yaml", json.dumps(document, indent=2))


def _is_over(recon: Recon, failure: Failure) -> bool:
    app = recon.of(failure.name)
    if failure.kind == "Job":
        return any(run["outcome"] != "Active" for run in app.get("runs", ()))
    probed = "probe failed" in app.get("message", "")
    return app.get("sync") == "Unknown" or app.get("health") == "Degraded" or probed


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: failure.name)
def test_status_alone_names_cause_and_remedy_on_one_screen(
    recon: Recon, numbers: dict[str, int], failure: Failure
) -> None:
    words = failure.command.split() if isinstance(failure.command, str) else failure.command
    if words[0] == "node" and shutil.which("node") is None:
        pytest.skip(f"SKIPPED: {failure.name} needs Node, which is not installed")
    until(lambda: _is_over(recon, failure), what="it has failed")
    screen = recon.cli("status", failure.name)
    # A terminal folds what is longer than a line: problems of manifests are told whole.
    rows = sum(max(1, -(-len(line) // 80)) for line in screen.splitlines())
    assert rows <= 24, screen
    told = " ".join(screen.split())
    for text in (*failure.cause, *failure.remedy):
        wanted = text.replace("{{", "{")
        wanted = _filled(wanted, numbers, recon.manifests)
        assert str(wanted) in told, f"{wanted!r} is not in\n{screen}"
