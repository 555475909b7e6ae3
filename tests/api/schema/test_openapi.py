"""The OpenAPI document is valid, is the one that is committed, and lists what the server serves."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jsonschema_rs

from reconciler.api.schema import openapi
from reconciler.api.server.routes import application

ROOT = Path(__file__).parents[3]
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
HELD = ("/metrics",)
"""Routes that have a document of their own."""


class _Controller:
    """As much of a controller as routes are made of."""

    def __init__(self) -> None:
        self.history = self.notices = None


def test_the_committed_document_is_current() -> None:
    committed = (ROOT / "docs/openapi.json").read_text()
    assert committed == openapi.text(), "run `recon schema --openapi > docs/openapi.json`"


def test_each_route_is_described_with_its_methods() -> None:
    controller: Any = _Controller()
    served = {
        (route.path, method.lower())
        for route in application(controller).routes
        if route.path not in HELD
        for method in route.methods - {"HEAD"}
    }
    paths = openapi.document()["paths"]
    described = {(path, method) for path, methods in paths.items() for method in methods}
    assert served == described


def test_each_schema_is_one_and_each_reference_leads_somewhere() -> None:
    document = openapi.document()
    for schema in document["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema | {"$schema": _DRAFT})
    for reference in _references(document):
        found: Any = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]
        assert found


def _references(data: Any) -> list[str]:
    if isinstance(data, list):
        return [found for one in data for found in _references(one)]
    if not isinstance(data, dict):
        return []
    own = [data["$ref"]] if isinstance(data.get("$ref"), str) else []
    return own + [found for one in data.values() for found in _references(one)]


def test_operations_have_names_of_their_own() -> None:
    paths = openapi.document()["paths"].values()
    names = [operation["operationId"] for methods in paths for operation in methods.values()]
    assert len(names) == len({*names})
