"""The API keeps to its OpenAPI document: schemathesis asks a real controller everything.

Answers are held to the models strictly: a field that no model has is a fault here.
"""

from __future__ import annotations

import copy
import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import positive_data_acceptance

from e2e.harness import Recon, manifest
from e2e.programs import SLEEP, python
from reconciler.api.schema import openapi
from reconciler.state.paths import StatePaths

RUNS = ["web", "nightly", "broken", "wbe"]
"""What any action may be about."""
IDLE = ["idle", "nightly", "broken", "wbe"]
"""What may be scaled: nothing that runs, since any count is valid."""
_ENDS = ("/v1/down",)
"""Not asked: what ends the controller."""

_TOGETHER = [positive_data_acceptance]
"""Where some parameters cannot be used together, each of which is valid."""


def _strict() -> dict[str, Any]:
    """The document for this test: closed, about apps that there are, without endless answers."""
    document = copy.deepcopy(openapi.document())
    for path in _ENDS:
        del document["paths"][path]
    for schema in document["components"]["schemas"].values():
        schema.setdefault("additionalProperties", False)
    for path, methods in document["paths"].items():
        for operation in methods.values():
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == "path":
                    names = IDLE if path.endswith("/scale") else RUNS
                    parameter["schema"] = {"type": "string", "enum": names}
                elif parameter["name"] == "follow":
                    parameter["schema"] = {"type": "string", "enum": ["0"]}
            for response in operation["responses"].values():  # a stream would not end
                response["content"].pop("text/event-stream", None)
    return document


DOCUMENT = _strict()
schema = schemathesis.openapi.from_dict(DOCUMENT)
schema.config.generation.update(modes=[GenerationMode.POSITIVE, GenerationMode.NEGATIVE])


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a controller answers that has an app, a Job, and an invalid manifest."""
    recon = Recon(tmp_path_factory.mktemp("recon"))
    try:
        talk = "import sys, time\nprint('hello')\nprint('oops', file=sys.stderr)\ntime.sleep(10**5)"
        recon.app("web", python(talk))
        recon.app("idle", SLEEP, suspend=True)
        recon.app("broken", SLEEP, nonsense=1)
        job = json.loads(manifest("nightly", ["true"], schedule="0 3 * * *")) | {"kind": "Job"}
        recon.write("nightly.yaml", json.dumps(job))
        recon.run()
        recon.healthy("web")
        recon.app("web", python(talk), env={"A": "1"})
        recon.healthy("web", revision=2)
        with _Bridge(StatePaths(recon.state.resolve()).socket) as bridge:
            yield bridge
    finally:
        recon.close()


class _Bridge:
    """A port of the loopback that leads to a unix socket."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)
        self._listener = socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> str:
        threading.Thread(target=self._serve, daemon=True).start()
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def __exit__(self, *_: object) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._path)
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=_copy, args=(one, other), daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(2**16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        source.close()
        target.close()


@schema.parametrize()
@settings(max_examples=25, deadline=None, suppress_health_check=[*HealthCheck])
def test_the_server_keeps_to_its_document(address: str, case: Any) -> None:
    response = case.call(base_url=address)
    streamed = case.path.startswith(("/v1/events", "/v1/logs"))
    case.validate_response(response, excluded_checks=_TOGETHER if streamed else [])
    if response.headers["content-type"] == "application/x-ndjson":
        content = case.operation.definition.raw["responses"]["200"]["content"]
        model = content["application/x-ndjson"]["schema"]["$ref"].rpartition("/")[2]
        lines = [json.loads(line) for line in response.text.splitlines()]
        _hold(lines, model)


def _hold(documents: list[Any], model: str) -> None:
    """Each line of an answer is such a document."""
    whole = {"$ref": f"#/components/schemas/{model}", "components": DOCUMENT["components"]}
    validator = jsonschema_rs.Draft202012Validator(whole)
    for document in documents:
        validator.validate(document)
