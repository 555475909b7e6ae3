"""The quick way through YAML and the one with places agree on every text."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reconciler.desired.text import yaml
from reconciler.desired.text.plain import NotPlainError, documents
from reconciler.desired.text.yaml import MAX_DEPTH, Document, Fault

_VALUES = st.recursive(
    st.sampled_from(["a", "", "true", "12", "1.10", "0o17", "22:22", "ü", "a\nb", "\0", "\ud800"])
    | st.booleans()
    | st.integers(-99, 99)
    | st.none(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "env", "command", "preStop", "b"]), inner)
    ),
    max_leaves=20,
)
_TEXTS = (
    st.text(alphabet="ab:-[]{}&*!|>'\"#%\\u,? \n\t\r01", max_size=60)
    | st.builds(json.dumps, _VALUES)
    | st.builds(pyyaml.safe_dump_all, st.lists(_VALUES, max_size=3), allow_unicode=st.booleans())
)


def outcome(parse: Any, text: str) -> list[tuple[Any, ...]]:
    """All that a reader of the documents can see, or of the fault."""
    try:
        return [(repr(one.data), one.line, one.has_escapes, dict(one.marks)) for one in parse(text)]
    except Fault as fault:
        return [(str(fault), fault.line, fault.column)]


@settings(max_examples=1000, deadline=None)
@given(_TEXTS)
@example("env: {A: 1, B: [1, {command: 2}]}\ncommand: 1\npreStop:\n--- ~\n---\n- 1.0\n")
@example("a: 1\na: 2\n")
@example("a: &x 1\nb: *x\n")
@example('{"a": "\\ud83d\\ude00"}')
@example("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))
@example("[" * (MAX_DEPTH + 2) + "]" * (MAX_DEPTH + 2))
def test_both_ways_agree_on_every_text(text: str) -> None:
    assert outcome(yaml.parse, text) == outcome(yaml.parse_with_places, text)


@pytest.mark.parametrize(
    "text", ["a: *b", "a: &b 1", "a: !!str 1", "a: 1\na: 2", "[a]: 1", "- - 1"]
)
def test_what_is_not_plain_is_left_to_the_other_way(text: str) -> None:
    with pytest.raises(NotPlainError):
        documents(text, 1)


def test_a_plain_manifest_is_read_without_places_until_one_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reads: list[str] = []
    with_places = yaml.parse_with_places

    def noted(text: str) -> list[Document]:
        reads.append(text)
        return with_places(text)

    monkeypatch.setattr(yaml, "parse_with_places", noted)
    text = "a: 1\n---\nb: {c: 2}\n"
    first, second = yaml.parse(text)
    assert (first.data, second.data, reads) == ({"a": 1}, {"b": {"c": 2}}, [])
    assert (second.place(("b", "c")), first.place(("a",))) == ((3, 8), (1, 4))
    assert reads == [text]
