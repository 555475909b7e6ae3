"""How an engine is spelled."""

from __future__ import annotations

import pytest

from reconciler.model.spec.target import EngineKind, Target, parse
from reconciler.model.words.sentence import InvalidValue


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("host", Target(EngineKind.HOST)),
        ("kubernetes", Target(EngineKind.KUBERNETES)),
        (
            "kubernetes:arn:aws:eks:x:1:cluster/prod",
            Target(EngineKind.KUBERNETES, "arn:aws:eks:x:1:cluster/prod"),
        ),
        ("nomad:https://10.0.0.1:4646", Target(EngineKind.NOMAD, "https://10.0.0.1:4646")),
    ],
)
def test_a_spelling_reads_as_it_was_written(text: str, target: Target) -> None:
    assert parse(text) == target
    assert str(target) == text


@pytest.mark.parametrize("text", ["", "kubernets", "k8s", "kubernetes:", "host:a", "nomad:\x1b[2J"])
def test_a_wrong_spelling_is_a_sentence(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse(text)


def test_a_typing_error_gets_the_word_that_was_meant() -> None:
    with pytest.raises(InvalidValue, match="did you mean kubernetes"):
        parse("kubernets")
