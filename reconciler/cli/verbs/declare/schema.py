"""`recon schema` and `recon explain`: what may stand in a manifest, from the models themselves."""

from __future__ import annotations

from typing import Annotated, Any

from reconciler import __version__
from reconciler.cli.framework.declaration import Argument, Option
from reconciler.cli.framework.errors import OK, CliError
from reconciler.cli.framework.output import print_json
from reconciler.render.terminal import folded

ID = f"https://json.schemastore.org/recon-{'.'.join(__version__.split('.')[:2])}.json"
"""Where the SchemaStore has the schema of a release: docs/releasing.md."""


def schema(
    *,
    openapi: Annotated[
        bool, Option("--openapi", help="Print the OpenAPI document of the API instead.")
    ] = False,
) -> int:
    """Print the JSON Schema of manifests, for editors.

    The version of JSON Schema is draft 7, which editors know best; that of OpenAPI is 3.1.
    """
    if openapi:
        from reconciler.api.schema.openapi import text  # noqa: PLC0415  the models are heavy

        print(text(), end="")
    else:
        print_json(document())
    return OK


def explain(
    field: Annotated[
        str | None,
        Argument(metavar="FIELD", help="E.g. spec.strategy.maxSurge.", show_default=False),
    ] = None,
) -> int:
    """Explain a field of a manifest.

    Its type, its default, and what a change of it does to the processes that run.
    """
    from reconciler.render import fieldhelp  # noqa: PLC0415  the models are heavy

    try:
        print("\n".join(folded(line) for line in fieldhelp.explained(field)))
    except LookupError as error:
        raise CliError(str(error.args[0])) from None
    return OK


def document() -> dict[str, Any]:
    """One schema for all kinds: ``oneOf``, distinguished by ``kind``. Draft 7, which all editors
    and the SchemaStore know."""
    from pydantic.json_schema import GenerateJsonSchema, models_json_schema  # noqa: PLC0415

    from reconciler.model.spec.manifest import App, Job, Settings  # noqa: PLC0415  heavy

    class Untitled(GenerateJsonSchema):
        def field_title_should_be_set(self, schema: Any) -> bool:
            return False  # a title that only repeats the name hides the description in editors

    kinds = ("App", "Job", "Settings")
    _, whole = models_json_schema(
        [(kind, "validation") for kind in (App, Job, Settings)],
        schema_generator=Untitled,
        ref_template="#/definitions/{model}",
    )
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "$id": ID,
        "$comment": f"of recon {__version__}; `recon schema` prints it",
        "title": "recon manifest",
        "description": "An App, a Job, or the Settings of a directory (recon.yaml).",
        "type": "object",
        "required": ["apiVersion", "kind"],
        "oneOf": [{"$ref": f"#/definitions/{kind}"} for kind in kinds],
        "definitions": {name: _as_draft_7(one) for name, one in whole["$defs"].items()},
    }


def _as_draft_7(schema: Any) -> Any:
    """Before 2019-09 nothing counts that stands beside a reference."""
    if isinstance(schema, list):
        return [_as_draft_7(one) for one in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: _as_draft_7(one) for name, one in schema.items()}
    if isinstance(inner.get("$ref"), str) and len(inner) > 1:
        reference = inner.pop("$ref")
        return {"allOf": [{"$ref": reference}], **inner}
    return inner
