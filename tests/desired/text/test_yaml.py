"""YAML becomes data with places; no text crashes it, hangs it or makes it large."""

from __future__ import annotations

import json
import tracemalloc
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired.text import plain, yaml
from reconciler.desired.text.layout import at
from reconciler.desired.text.yaml import Fault


def data_of(text: str) -> Any:
    (document,) = yaml.parse(text)
    return document.data


def fault_of(text: str | bytes) -> Fault:
    with pytest.raises(Fault) as caught:
        yaml.parse(yaml.decode(text.encode() if isinstance(text, str) else text))
    return caught.value


@pytest.fixture(params=["libyaml", "pure"])
def either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "pure":
        monkeypatch.setattr(yaml, "PARSER", pyyaml.Loader)
        monkeypatch.setattr(plain, "PARSER", pyyaml.Loader)


# -- scalars -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        *(("true", True), ("False", False), ("null", None), ("~", None), ("", None)),
        *(("12", 12), ("-3", -3), ("0o17", 15), ("0x1F", 31), ("010", 10), ("1.5", 1.5)),
        *(("1e3", 1000.0), (".5", 0.5), (".inf", float("inf"))),
        *((word, word) for word in ("yes", "no", "on", "off", "y", "22:22", "2024-01-02")),
        *((word, word) for word in ("1_000", "0b11", "<<", "=", "1.2.3", "0o8", "0x", "e3")),
        *(('"12"', "12"), ("'true'", "true"), ("!!str 12", "12")),
    ],
)
def test_plain_scalars_mean_what_yaml_1_2_says(written: str, meant: Any) -> None:
    found = data_of(f"a: {written}\n")["a"]
    assert (found, type(found)) == (meant, type(meant))


def test_values_below_env_and_command_are_the_text_that_was_written() -> None:
    text = (
        "env:\n  PORT: 3000\n  VERSION: 1.10\n  DEBUG: True\n  MODE: 0o17\n  EMPTY:\n"
        "  NUMBER: {perInstance: 3000}\n"
        "command: [sleep, 1000, ~]\nstop: {preStop: [kill, 010]}\nother: 1.10\n"
    )
    assert data_of(text) == {
        "env": {
            "PORT": "3000",
            "VERSION": "1.10",
            "DEBUG": "True",
            "MODE": "0o17",
            "EMPTY": "",
            "NUMBER": {"perInstance": 3000},
        },
        "command": ["sleep", "1000", "~"],
        "stop": {"preStop": ["kill", "010"]},
        "other": 1.1,
    }


def test_a_number_of_many_digits_is_text() -> None:
    assert data_of(f"a: {'9' * 6000}\n") == {"a": "9" * 6000}


# -- places --------------------------------------------------------------------------------------


def test_every_node_knows_its_line_and_column(either_parser: None) -> None:
    (document,) = yaml.parse("# top\nspec:\n  command: [node, main.js]\n  env:\n    A: 'x'\n")
    assert document.place(("spec", "command")) == (3, 12)
    assert document.place(("spec", "command", 1)) == (3, 19)
    assert document.place(("spec", "env", "A")) == (5, 8)
    assert document.key_place(("spec", "env", "A")) == (5, 5)
    assert document.place(("spec", "env", "GONE")) == (5, 5), "the nearest thing around it"


def test_documents_of_a_file_know_their_first_lines(either_parser: None) -> None:
    documents = yaml.parse("a: 1\n---\n# nothing\n---\nb: 2\n...\n---\n\nc: 3\n")
    assert [(d.data, d.line) for d in documents] == [({"a": 1}, 1), ({"b": 2}, 5), ({"c": 3}, 9)]


def test_byte_order_mark_and_windows_line_ends_are_understood(either_parser: None) -> None:
    text = yaml.decode(b"\xef\xbb\xbfa: 1\r\nb:\r\n  c: x\r\n")
    (document,) = yaml.parse(text)
    assert document.data == {"a": 1, "b": {"c": "x"}}
    assert document.place(("b", "c")) == (3, 6)


@given(st.text(alphabet="aä€😀 ", min_size=1, max_size=8))
def test_columns_count_characters_not_bytes(word: str) -> None:
    (document,) = yaml.parse(json.dumps({word: 7}, ensure_ascii=False))
    assert document.place((word,)) == (1, len(word) + 6)


# -- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "column", "word"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, 1, "line 1"),
        ("x:\n  a: 1\n  a: 1\n", 3, 3, "line 2"),
        ("a: [1\nb: 2\n", 2, 2, "not YAML"),
        ("a: *b\n", 1, 4, "alias"),
        ("a: &x [*x]\n", 1, 8, "alias"),
        ("a: !!python/object:os.system x\n", 1, 4, "tag"),
        ("a: !secret x\n", 1, 4, "tag"),
        ("[1]: x\n", 1, 1, "key"),
        ("a: \x07\n", 0, 0, "not"),
        ("\t- a\n", 1, 1, "not YAML"),
        ("%YAML 9.9\n---\na: 1\n", 1, 1, "not YAML"),
    ],
)
def test_what_is_no_manifest_has_a_place(text: str, line: int, column: int, word: str) -> None:
    fault = fault_of(text)
    assert word in str(fault)
    if line:
        assert (fault.line, fault.column) == (line, column)


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "[{a: "])
def test_deep_nesting_is_refused_before_it_costs_anything(
    opening: str, either_parser: None
) -> None:
    assert "deep" in fault_of(opening * 100_000).message


def test_block_mappings_nested_deep_are_refused() -> None:
    text = "".join(f"{' ' * depth}a:\n" for depth in range(500))
    assert "deep" in fault_of(text).message


def test_an_alias_bomb_is_refused_without_being_expanded() -> None:
    lines = ["a0: &a0 [x,x,x,x,x,x,x,x,x]"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    tracemalloc.start()
    fault = fault_of("\n".join(lines))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert "alias" in fault.message
    assert peak < 50 * 2**20


def test_a_few_aliases_are_welcome() -> None:
    assert data_of("a: &x {k: 1}\nb: *x\n") == {"a": {"k": 1}, "b": {"k": 1}}


@pytest.mark.parametrize(
    ("content", "line", "column"),
    [
        (b"a: 1\nb: \xff\n", 2, 4),
        (b"\xc3\xa4: \xff\n", 1, 4),
        (b"a: 1\n\xc3\xa4\0\n", 2, 2),
        (b"\0", 1, 1),
    ],
)
def test_bytes_that_are_no_text_have_a_place(content: bytes, line: int, column: int) -> None:
    fault = fault_of(content)
    assert (fault.line, fault.column) == (line, column)


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet="ab:-[]{}&*!|>'\"#%@`,? \n\t\r0", max_size=80))
def test_no_text_whatever_gives_anything_but_data_or_a_fault(text: str | bytes) -> None:
    content = text.encode() if isinstance(text, str) else text
    try:
        for document in yaml.parse(yaml.decode(content)):
            assert all(mark.line >= 1 and mark.column >= 1 for mark in document.marks.values())
    except Fault as fault:
        assert fault.line >= 1 and fault.column >= 1 and fault.message


# -- the oracle ----------------------------------------------------------------------------------

# Text on which YAML 1.1 (PyYAML's own loader) and 1.2 agree.
_PLAIN = st.sampled_from(["a", "x y", "true", "null", "12", "-7", "1.5", "a#b", "ü", "", "0x1F"])
_DATA = st.recursive(
    _PLAIN | st.booleans() | st.integers() | st.none() | st.floats(-1e9, 1e9),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abcdef\"'ü", min_size=1, max_size=4), inner, max_size=4)
    ),
    max_leaves=25,
)


@settings(max_examples=300, deadline=None)
@given(
    _DATA,
    st.sampled_from([None, True, False]),
    st.sampled_from([None, '"', "'", "|"]),
    st.integers(10, 90),
)
def test_what_pyyaml_writes_reads_as_pyyaml_reads_it(
    data: Any, flow: bool | None, style: str | None, width: int
) -> None:
    text = pyyaml.safe_dump(
        {"top": data}, default_flow_style=flow, default_style=style, width=width, allow_unicode=True
    )
    if style is not None and "!!" in text.replace("!!int", "").replace("!!bool", ""):
        return  # `!!null "null"`: tags on quoted scalars are not what people write
    if style is None:
        assert data_of(text) == pyyaml.safe_load(text)
    else:
        data_of(text)


@settings(max_examples=200, deadline=None)
@given(_DATA)
def test_json_is_read_as_json(data: Any) -> None:
    text = json.dumps({"top": data})
    assert data_of(text) == json.loads(text)


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="ab:-[]{}&*|>'\"#, \n01", max_size=60))
def test_arbitrary_text_reads_as_pyyaml_reads_it_where_it_has_strings_only(text: str) -> None:
    try:
        ours = [document.data for document in yaml.parse(text)]
    except Fault:
        return
    theirs = list(pyyaml.load_all(text, _ORACLE))
    assert _collections(ours) == _collections(theirs)


_ORACLE: Any = pyyaml.CBaseLoader if pyyaml.__with_libyaml__ else pyyaml.BaseLoader


def _collections(documents: list[Any]) -> list[Any]:
    return [_as_text(data) for data in documents if isinstance(data, dict | list)]


def _as_text(data: Any) -> Any:
    """Structure and untyped text: what does not depend on the schema."""
    if isinstance(data, dict):
        return {key: _as_text(value) for key, value in data.items()}
    if isinstance(data, list):
        return [_as_text(value) for value in data]
    return "?" if not isinstance(data, str) or data.strip("-+0123456789.") == "" else data


def test_a_float_written_as_yaml_1_2_has_it_is_a_float() -> None:
    assert data_of("a: 1e+20\nb: -2.5E-3\n") == {"a": 1e20, "b": -2.5e-3}


# -- JSON ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "written",
    [
        '{"a": "\\ud83d\\ude00!", "b": 1}',
        '{"\\ud83d\\ude00": [true, "\\\\ud83d", "\\u00e4\\n"]}',
        '{"a": "\\ud800", "b": {"c": "\\udfff\\ud800"}}',
        '{"a":"\\/",\r\n "b":[]\n}',
    ],
)
def test_json_means_what_json_says(either_parser: None, written: str) -> None:
    (document,) = yaml.parse(written)
    assert document.data == json.loads(written)
    for path, mark in document.marks.items():
        if path and path[-1] != "<key>":
            assert json.loads(written[mark.start : mark.end]) == at(document, path)
