"""YAML that readers of YAML 1.1 and 1.2 take for the same data."""

from __future__ import annotations

from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.convert.engines import yaml
from reconciler.desired.text import yaml as recons

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_DATA = st.recursive(
    _TEXT | st.integers(-(10**9), 10**9) | st.booleans(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=12,
)


def without_lists_of_lists(data: Any) -> Any:
    """Kubernetes has none."""
    if isinstance(data, dict):
        return {name: without_lists_of_lists(value) for name, value in data.items()}
    if isinstance(data, list):
        return [without_lists_of_lists(one) for one in data if not isinstance(one, list)]
    return data


@given(st.dictionaries(_TEXT, _DATA.map(without_lists_of_lists), min_size=1, max_size=4))
def test_it_reads_back_as_what_was_meant(data: dict[str, Any]) -> None:
    text = yaml.document(data)
    assert pyyaml.safe_load(text) == data
    (document,) = recons.parse(text)
    assert document.data == data


@pytest.mark.parametrize(
    "word", ["no", "Yes", "y", "N", "off", "1e3", "0o7", "22:22", "012", ".1_5", "~", "", "null"]
)
def test_what_some_reader_takes_for_something_else_is_quoted(word: str) -> None:
    assert yaml.document({"a": word, word: "b"}) == f'a: "{word}"\n"{word}": b\n'
