"""The schema that editors use, and the help on every field."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from jsonschema_rs import Draft7Validator, meta
from pydantic import BaseModel

from reconciler import __version__
from reconciler.model.spec.manifest import App, AppSpec
from reconciler.model.words.fields import is_own
from reconciler.render.fieldhelp import _models, explained
from tests.cli.conftest import ROOT, Cli


def test_schema_knows_every_field_and_every_way_to_write_it(cli: Cli) -> None:
    document = json.loads(cli("schema").out)
    assert "draft-07" in document["$schema"]
    spec = document["definitions"]["AppManifestSpec"]
    fields = AppSpec.model_fields.items()
    names = {field.alias or name for name, field in fields if not is_own(field)}
    assert names <= spec["properties"].keys()
    assert "watched" not in spec["properties"]  # filled in by recon
    assert "watched" not in cli("explain").out
    assert spec["additionalProperties"] is False
    assert {"type": "string"} in spec["properties"]["command"]["anyOf"]
    assert {"type": "string"} in spec["properties"]["envFrom"]["items"]["anyOf"]
    assert {"type": "string"} in document["definitions"]["Rotate"]["properties"]["size"]["anyOf"]


def test_the_schema_is_ready_for_the_schemastore(cli: Cli) -> None:
    document = json.loads(cli("schema").out)
    meta.validate(document)
    assert document["$id"] == "https://json.schemastore.org/recon-0.1.json"
    assert __version__ in document["$comment"]

    def words(value: Any) -> Iterator[dict[str, Any]]:
        if isinstance(value, dict):
            yield value
            value = list(value.values())
        for inner in value if isinstance(value, list) else ():
            yield from words(inner)

    # Before 2019-09 nothing counts beside a reference, and these words are not known.
    assert not any("$ref" in one and len(one) > 1 for one in words(document))
    text = json.dumps(document)
    assert "$defs" not in text and "prefixItems" not in text and "unevaluated" not in text


@pytest.mark.parametrize("folder", ["manifests", "reconciler/cli/verbs/declare/starter"])
def test_the_samples_are_valid_by_the_schema_and_a_mistake_is_not(cli: Cli, folder: str) -> None:
    judge = Draft7Validator(json.loads(cli("schema").out))
    for file in (ROOT / folder).glob("*.yaml"):
        for document in yaml.safe_load_all(file.read_text()):
            assert judge.is_valid(document), [*judge.iter_errors(document)]
            document["spec"]["comand"] = "x"
            assert not judge.is_valid(document)


def test_explain_tells_type_default_and_effect(cli: Cli) -> None:
    assert cli("explain", "spec.strategy.maxSurge").out == (
        "FIELD:    spec.strategy.maxSurge\n"
        "TYPE:     text or number\n"
        "DEFAULT:  25%\n"
        "EFFECT:   a change is applied in place, to running processes\n"
        "\n"
        "  how many instances more than `instances` may run, rounded up\n"
    )
    assert "EFFECT:   a change replaces the processes" in cli("explain", "spec.env").out


def paths(model: type[BaseModel], above: str = "") -> list[str]:
    found = []
    for name, field in model.model_fields.items():
        if is_own(field):
            continue
        path = f"{above}{field.alias or name}"
        found.append(path)
        for below in _models(field.annotation):
            found += paths(below, path + ".")
    return found


def test_a_field_of_the_spec_is_found_by_the_name_that_messages_give_it(cli: Cli) -> None:
    assert cli("explain", "strategy.maxSurge").out == cli("explain", "spec.strategy.maxSurge").out
    assert "null" not in cli("explain", "build").out + cli("explain", "limits").out


def test_every_field_can_be_explained() -> None:
    for path in paths(App):
        assert explained(path)[0].split() == ["FIELD:", path]


@pytest.mark.parametrize(
    ("path", "hint"),
    [
        ("spec.strateg", "did you mean spec.strategy?"),
        (
            "strategy.surge",
            "spec.strategy has no field surge, did you mean spec.strategy.maxSurge?",
        ),
        ("spec.strategy.surge", "did you mean spec.strategy.maxSurge?"),
        ("spec.user.x", "spec.user has no fields below it"),
    ],
)
def test_unknown_field_is_met_with_a_hint(cli: Cli, path: str, hint: str) -> None:
    done: Any = cli("explain", path)
    assert done.code == 1 and hint in done.err


@pytest.mark.parametrize(
    ("field", "sentence"),
    [
        ("cmd", "recon calls it `command`"),
        ("spec.replicas", "recon calls it `instances`"),
        ("built", "did you mean spec.build?"),
        ("name", "below `metadata`"),
    ],
)
def test_explain_knows_what_others_call_a_field(cli: Cli, field: str, sentence: str) -> None:
    done = cli("explain", field)
    assert done.code == 1 and sentence in done.err


@pytest.mark.parametrize("kind", ["App", "Job", "Settings"])
def test_explain_knows_the_kinds_and_lists_no_field_of_recons_own(cli: Cli, kind: str) -> None:
    done = cli("explain", kind)
    assert done.code == 0 and done.out.startswith(f"A manifest of kind {kind}:")
    assert "  spec:" in done.out and "  built:" not in done.out and "  watched:" not in done.out


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("spec.env.LOG_LEVEL", "text or fields", "secretFile: text; required"),
        ("env.spring.datasource.url", "text or fields", "a name of your choice in spec.env"),
        ("env.DB_PASSWORD.secretFile", "text", "file whose content is the value"),
        ("env.a.b.perInstance", "number", "DEFAULT:  none, it is required"),
        ("metadata.labels.app.kubernetes.io/name", "text", "a change is applied in place"),
        ("spec.profiles.dev", "fields", "instances: number"),
        ("spec.profiles.dev.strategy.maxSurge", "text or number", "DEFAULT:  25%"),
        ("spec.profiles.dev.env.A", "text or fields", "a change replaces the processes"),
        ("spec.defaults.backoff", "fields", "initialSeconds"),
        ("spec.build.env.CI", "text or fields", "a name of your choice in spec.build.env"),
        ("spec.sockets.0.port", "number", "of TCP"),
        ("maxPrune", "number", "recon apply --confirm-prune"),
    ],
)
def test_what_stands_in_a_map_or_a_list_is_explained(path: str, kind: str, text: str) -> None:
    lines = explained(path)
    assert lines[1] == f"TYPE:     {kind}"
    assert text in "\n".join(lines)


@pytest.mark.parametrize("path", ["spec.defaults.nonsense", "spec.cwd.0", "spec.limits.memory.x"])
def test_what_is_no_map_has_no_names_of_choice(path: str) -> None:
    with pytest.raises(LookupError):
        explained(path)
