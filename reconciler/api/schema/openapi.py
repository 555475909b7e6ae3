"""The OpenAPI 3.1 document of `/v1`, made of the models and the table of paths."""

from __future__ import annotations

import json
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from reconciler.api.schema.base import Refusal
from reconciler.api.schema.paths import ACTIONS, READS, Operation, Parameter
from reconciler.system.work.session import Session

TASK = f"{__name__}:rendered"
OPERATIONS = (*READS, *ACTIONS)
_REF = "#/components/schemas/{model}"
_ALWAYS = (400, 403, 429)
_MODE: JsonSchemaMode = "validation"
_WHAT = {
    400: "The request is not valid.",
    403: "This user may not do that.",
    404: "There is no such app.",
    409: "It cannot be done now.",
    429: "Too many connections of users that may only look.",
    503: "A disk does not answer, or too much waits already.",
    507: "The controller cannot write the file.",
}
_INFO = (
    "The API of recon's controller, on the unix socket `recon.sock` in the state directory. "
    "docs/api.md shows how to speak to it."
)


def document() -> dict[str, Any]:
    """The whole document."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "recon", "version": "1", "description": _INFO},
        "servers": [{"url": "http://localhost", "description": "the unix socket"}],
        "paths": _paths(),
        "components": {"schemas": _schemas()},
    }


def text() -> str:
    """The document as it is committed (`docs/openapi.json`) and sent."""
    return json.dumps(document(), indent=1) + "\n"


def rendered(argument: None, session: Session) -> str:
    """The same as a task of a worker process: the controller does not import the models."""
    return text()


class _Untitled(GenerateJsonSchema):
    """Titles that only repeat the name of a field say nothing."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def _schemas() -> dict[str, Any]:
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Refusal, _MODE)]
    for operation in OPERATIONS:
        models.append((operation.answer, _MODE))
        if operation.body is not None:
            models.append((operation.body, _MODE))
    _, whole = models_json_schema(
        [*dict.fromkeys(models)], ref_template=_REF, schema_generator=_Untitled
    )
    found: dict[str, Any] = whole["$defs"]
    return {name: found[name] for name in sorted(found)}


def _paths() -> dict[str, Any]:
    found: dict[str, Any] = {}
    for operation in OPERATIONS:
        found.setdefault(operation.path, {})[operation.method] = _operation(operation)
    return found


def _operation(operation: Operation) -> dict[str, Any]:
    words = operation.path.removeprefix("/v1/").replace("{", "").replace("}", "")
    described: dict[str, Any] = {
        "operationId": f"{operation.method}-{words.replace('/', '-').replace('.', '-')}",
        "summary": operation.summary,
        "tags": ["look" if operation.method == "get" else "act"],
    }
    if operation.parameters:
        described["parameters"] = [_parameter(one) for one in operation.parameters]
    if operation.body is not None:
        content = {"application/json": {"schema": _ref(operation.body)}}
        described["requestBody"] = {"required": _has_required(operation.body), "content": content}
    described["responses"] = dict(_responses(operation))
    return described


def _has_required(model: type[BaseModel]) -> bool:
    return any(field.is_required() for field in model.model_fields.values())


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema = parameter.schema
    described = {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "schema": {"type": "array", "items": schema} if parameter.is_list else schema,
    }
    return {**described, "required": True} if parameter.place == "path" else described


def _responses(operation: Operation) -> Iterator[tuple[str, Any]]:
    schema = {"schema": _ref(operation.answer)}
    kinds = ("application/x-ndjson", "text/event-stream") if operation.lines else None
    yield (
        str(operation.status),
        {
            "description": HTTPStatus(operation.status).phrase,
            "content": dict.fromkeys(kinds or ("application/json",), schema),
        },
    )
    content = {"application/json": {"schema": _ref(Refusal)}}
    for status in sorted({*_ALWAYS, *operation.refusals}):
        yield str(status), {"description": _WHAT[status], "content": content}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REF.format(model=model.__name__)}
