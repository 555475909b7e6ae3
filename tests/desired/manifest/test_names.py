"""The names that a broken file declares, as far as they can be read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.manifest.names import names_in


@pytest.mark.parametrize(
    "text",
    [
        "kind: App\nmetadata: {name: web}\nspec: {comand: x}\n",
        "kind: App\nmetadata:\n  name: web\nspec:\n  command: [a, b\n",
        "metadata:\n  labels: {a: b}\n  name: 'web'\n\tspec: x\n",
        '{"kind": "App", "metadata": {"name": "web"}, "spec": {',
        "metadata: {labels: {}, name: web}\nspec: }\n",
    ],
)
def test_a_name_is_read_whatever_else_is_wrong(text: str) -> None:
    assert names_in(text.encode()) == ("web",)


def test_each_document_of_a_file_has_its_name() -> None:
    text = "metadata: {name: a}\n---\nmetadata:\n  name: b\n---\nx: [\n"
    assert names_in(text.encode()) == ("a", "b")


@given(st.binary(max_size=300))
def test_no_content_makes_it_fail(content: bytes) -> None:
    names_in(content)
