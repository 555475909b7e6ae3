"""Every field of a manifest is carried over to an engine, or is in the report."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from reconciler.convert.fields import UNKNOWN, Fate, Fields
from reconciler.model.spec.manifest import AppSpec
from tests.convert.engines.outcomes import EXPORTERS, PAGE, outcome, with_table
from tests.convert.engines.samples import FIELDS, REFUSED, SAMPLES


@pytest.mark.parametrize("kind", FIELDS)
def test_every_field_of_the_model_has_a_sample(kind: str) -> None:
    assert SAMPLES[kind].keys() == FIELDS[kind]


@pytest.mark.parametrize("field", REFUSED)
def test_a_field_without_a_sample_is_in_no_manifest(field: str) -> None:
    with pytest.raises(ValidationError):
        AppSpec.model_validate({"command": "a", **REFUSED[field]})


@pytest.mark.parametrize("engine", EXPORTERS)
@pytest.mark.parametrize("kind", FIELDS)
def test_every_field_changes_the_output_or_is_in_the_report(engine: str, kind: str) -> None:
    silent, unknown = [], []
    for field in FIELDS[kind]:
        found = outcome(engine, kind, field)
        if not found.places and not found.notes:
            silent.append(field)
        unknown += [field for note in found.notes if note.text == UNKNOWN]
    assert not silent
    assert not unknown, "each has a reason of its own"


def test_a_field_that_no_exporter_has_heard_of_is_in_the_report() -> None:
    made = Fields("a", {"novelty": {"depth": 3}, "list": [{"x": 1, "y": 2}], "none": None})
    made.take("list", "0", "x")
    made.note_left({("novelty",): (Fate.DIFFERS, "reason")})
    assert [note[1:] for note in made.notes] == [
        ("novelty", Fate.DIFFERS, "reason"),
        ("list.0.y", Fate.LOST, UNKNOWN),
    ]
    assert not [*made.left()]


def test_the_table_in_the_documents_is_what_the_exporters_do() -> None:
    text = PAGE.read_text()
    assert with_table(text) == text, "run python -m tests.convert.engines.outcomes"
