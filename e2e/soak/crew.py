"""The apps of a soak, a few dozen of mixed habits: small programs, so that recon has the work."""

from __future__ import annotations

import json
from typing import Any

from e2e.harness import Recon, manifest
from e2e.programs import SLEEP, python

ROLLING = tuple(f"rolling-{n}" for n in range(3))
CROWD = tuple(f"crowd-{n}" for n in range(12))
_GREEDY = 40
"""Lines that a writer writes at a time."""


def write(recon: Recon) -> None:
    """Write all manifests."""
    for name in ROLLING:
        recon.write(f"{name}.yaml", rolling(name, 0))
    for name in CROWD:
        recon.app(name, SLEEP, instances=2)
    for number in range(4):
        recon.app(f"crashing-{number}", _shell(f"sleep {3 + number}; echo over >&2; exit 7"))
    for number in range(3):
        recon.app(
            f"writing-{number}",
            python(
                "import time\n"
                "while True:\n"
                f"    print('\\n'.join('a line of some length, number %d' % n "
                f"for n in range({_GREEDY})))\n"
                "    time.sleep(0.5)\n"
            ),
            logs={"rotate": {"size": "64Ki", "keep": 3}},
        )
    recon.app("forking", _shell("while :; do sleep 0.5 & wait; done"))
    recon.app("deaf", _shell("trap '' TERM; while :; do sleep 1; done"), **_GRACE)
    recon.app("probed", SLEEP, livenessProbe={"exec": {"command": ["true"]}, "periodSeconds": 5})
    recon.app("chained", SLEEP, dependsOn=["probed"])
    recon.app("listening", SLEEP, sockets=[{"name": "http", "path": "../listening.sock"}])
    recon.app("turning", SLEEP, env={"SECRET": {"secretFile": "secret"}})
    recon.write("secret", "a value that no log shows\n").chmod(0o600)
    recon.write("minutely.yaml", _job("minutely", "echo done", schedule="* * * * *"))
    recon.write("on-request.yaml", _job("on-request", "seq 100", schedule="@yearly"))


def rolling(name: str, version: int) -> str:
    """The manifest of an app that is edited every few seconds."""
    return manifest(name, SLEEP, instances=2, minReadySeconds=0, env={"VERSION": str(version)})


def broken(name: str) -> str:
    """What is no manifest: a mistake that a user makes."""
    return f"apiVersion: recon/v1\nkind: App\nmetadata: {{name: {name}}}\nspec: {{instances: [}}\n"


_GRACE = {"terminationGracePeriodSeconds": 1}


def _shell(script: str) -> list[str]:
    return ["sh", "-c", script]


def _job(name: str, script: str, **spec: Any) -> str:
    document = {
        "apiVersion": "recon/v1",
        "kind": "Job",
        "metadata": {"name": name},
        "spec": {"command": _shell(script), **spec},
    }
    return json.dumps(document, indent=2)
