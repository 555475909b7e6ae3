from __future__ import annotations

import pytest

from reconciler.model.words.selector import parse

LABELS = {"tier": "api", "env": "prod"}


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("tier=api", True),
        ("tier==web", False),
        ("tier!=web", True),
        ("team!=a", True),  # as kubectl: what lacks the label is not of that value
        ("tier", True),
        ("!tier", False),
        ("!team", True),
        ("tier=api,env!=prod", False),
        ("tier = api , env = prod", True),
    ],
)
def test_selector_means_what_kubectl_means(text: str, selected: bool) -> None:
    assert parse(text)(LABELS) is selected


@pytest.mark.parametrize("text", ["", "a=b=c", "!a=b", "a b", "-l a", "[bold]", "a,,b"])
def test_what_is_no_selector_is_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is not a selector; write name=value"):
        parse(text)
