"""An edit changes one value and not one byte besides."""

from __future__ import annotations

import difflib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.desired.text import yaml
from reconciler.desired.text.edit import EditError, remove_field, set_field

TOP = "apiVersion: recon/v1\nkind: App\nmetadata: {name: web}\n"
INSTANCES = ("spec", "instances")


def edited(text: str, value: Any = 3, path: tuple[str, ...] = INSTANCES) -> str:
    return set_field(text.encode(), "web", path, value).decode()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("spec:\n  instances: 2  # two\n", "spec:\n  instances: 3  # two\n"),
        ("spec:\n  instances:   '2'\t\n  a: b\n", "spec:\n  instances:   3\t\n  a: b\n"),
        ("spec:\n  instances:\n  a: b\n", "spec:\n  instances: 3\n  a: b\n"),
        ("spec:\n  instances:\t# none\n", "spec:\n  instances: 3\t# none\n"),
        ("spec: {instances: 2, a: b}\n", "spec: {instances: 3, a: b}\n"),
        ("spec: {a: b}\n", "spec: {instances: 3, a: b}\n"),
        ("spec: {}\n", "spec: {instances: 3}\n"),
        ("spec:\n  a: b", "spec:\n  a: b\n  instances: 3"),
        (
            "spec:\n  # why\n  a: b # so\n\n# end\n",
            "spec:\n  # why\n  a: b # so\n  instances: 3\n\n# end\n",
        ),
        (
            "spec:\n    a: |\n      x\n      y\n",
            "spec:\n    instances: 3\n    a: |\n      x\n      y\n",
        ),
        (
            "spec:\n  a: {b: [c,\n    d]}  # e\n",
            "spec:\n  a: {b: [c,\n    d]}  # e\n  instances: 3\n",
        ),
        ("spec:\r\n  a: b\r\n", "spec:\r\n  a: b\r\n  instances: 3\r\n"),
        ("spec:\n  a: &x 1\n  instances: *x\n", "spec:\n  a: &x 1\n  instances: 3\n"),
    ],
)
def test_only_the_value_changes(before: str, after: str) -> None:
    assert edited(TOP + before) == TOP + after


def test_a_json_manifest_stays_json() -> None:
    import json

    text = json.dumps(
        {"kind": "App", "metadata": {"name": "web"}, "spec": {"command": ["x"]}}, indent=2
    )
    after = edited(text, True, ("spec", "suspend"))
    assert json.loads(after)["spec"] == {"suspend": True, "command": ["x"]}
    assert after.splitlines()[6] == '    "suspend": true,'


def test_a_deeper_key_that_is_missing_brings_its_map() -> None:
    after = edited(TOP + "spec:\n  a: b\n", 1, ("spec", "strategy", "maxSurge"))
    assert after == TOP + "spec:\n  a: b\n  strategy: {maxSurge: 1}\n"


def test_byte_order_mark_and_other_documents_stay() -> None:
    other = "# first\nkind: App\nmetadata: {name: other}\nspec: {instances: 9}\n---\n"
    text = "\ufeff" + other + TOP + "spec:\n  instances: 2\n...\n# end"
    assert edited(text) == text.replace("instances: 2", "instances: 3")


def test_a_value_that_is_set_already_changes_nothing() -> None:
    text = TOP + "spec:\n  instances:   2 # two\n"
    assert edited(text, 2) == text


@pytest.mark.parametrize(
    ("text", "word"),
    [
        (TOP.replace("web", "other") + "spec: {a: b}\n", "does not declare web"),
        ((TOP + "spec: {a: b}\n---\n") * 2, "more than once"),
        (TOP + "spec: {instances: [1]}\n", "by hand"),
        (TOP + "spec: {instances: &n 1, a: *n}\n", "by hand"),
        (TOP + "other: &s {a: b}\nspec: *s\n", "by hand"),
        (TOP + "spec:\n", "by hand"),
        (TOP + "spec: {a: [}\n", "line 4"),
    ],
)
def test_what_cannot_be_done_cleanly_is_refused_with_a_sentence(text: str, word: str) -> None:
    with pytest.raises(EditError, match=word):
        edited(text)


@pytest.mark.parametrize(
    ("before", "path", "value", "after"),
    [
        # text in the style of what was there
        ("spec:\n  a: info  # x\n", "a", "debug", "spec:\n  a: debug  # x\n"),
        ("spec:\n  a: 'info'\n", "a", "it's", "spec:\n  a: 'it''s'\n"),
        ('spec:\n  a: "info"\n', "a", "debug", 'spec:\n  a: "debug"\n'),
        ("spec:\n  a: info\n", "a", "12", 'spec:\n  a: "12"\n'),
        ("spec:\n  env:\n    A: 1\n", "env.A", "3000", "spec:\n  env:\n    A: 3000\n"),
        ("spec: {a: [b, c]}\n", "a", ["b, x"], 'spec: {a: ["b, x"]}\n'),
        # lists
        (
            "spec:\n  a:  # why\n  - b  # one\n  - c\n  # end\n",
            "a",
            ["x", "y", "z"],
            "spec:\n  a:  # why\n  - x\n  - y\n  - z\n  # end\n",
        ),
        ("spec:\n  a: [b, c]  # x\n", "a.1", "d", "spec:\n  a: [b, d]  # x\n"),
        ("spec:\n  a:\n  - b  # x\n  - c\n", "a.0", "d", "spec:\n  a:\n  - d  # x\n  - c\n"),
        ("spec:\n  a: node x.js\n", "a", ["node", "y.js"], "spec:\n  a: [node, y.js]\n"),
        # maps
        (
            "spec:\n  a: b # so\n",
            "env",
            {"X": "1", "Y": {"secretFile": "s"}},
            "spec:\n  a: b # so\n  env:\n    X: 1\n    Y: {secretFile: s}\n",
        ),
        ("spec:\n  env:\n    A: x\n", "env.A", {"f": "g"}, "spec:\n  env:\n    A: {f: g}\n"),
        (
            "spec:\n  a:  # why\n    b: c\n    d: e  # last\n  f: g\n",
            "a",
            {},
            "spec:\n  a: {}  # why\n  f: g\n",
        ),
    ],
)
def test_any_value_can_be_set(before: str, path: str, value: Any, after: str) -> None:
    steps = [int(step) if step.isdigit() else step for step in path.split(".")]
    found = set_field((TOP + before).encode(), "web", ("spec", *steps), value).decode()
    assert found == TOP + after


def removed(text: str, *path: str) -> str:
    return remove_field(text.encode(), "web", ("spec", *path)).decode()


@pytest.mark.parametrize(
    ("before", "path", "after"),
    [
        ("spec:\n  # why\n  a: b  # so\n  # c\n  c: d\n", "a", "spec:\n  # why\n  # c\n  c: d\n"),
        (
            "spec:\n  c: d\n\n  a:\n    x: 1\n    # in\n    y: 2  # y\n\n# end\n",
            "a",
            "spec:\n  c: d\n\n\n# end\n",
        ),
        ("spec:\n  c: d\n  a: b", "a", "spec:\n  c: d\n"),
        ("spec:\r\n  a: b\r\n  c: d\r\n", "a", "spec:\r\n  c: d\r\n"),
        ("spec:\n  a: |\n    x\n    y\n\n  c: d\n", "a", "spec:\n\n  c: d\n"),
        ("spec:\n  c: d\n  a:\n  - x\n  - y\n", "a", "spec:\n  c: d\n"),
        ("spec:\n  env:\n    A: 1 # one\n  c: d\n", "env.A", "spec:\n  env: {}\n  c: d\n"),
        ("spec: {a: b, c: d}  # x\n", "a", "spec: {c: d}  # x\n"),
        ("spec: {a: b, c: d}  # x\n", "c", "spec: {a: b}  # x\n"),
        ("spec: {a: b,}\n", "a", "spec: {}\n"),
        ("spec: {a: b,  # x, y\n  c: d}\n", "c", "spec: {a: b,  # x, y\n  }\n"),
        ("spec: {\n  a: b,  # x\n  c: d,\n}\n", "a", "spec: {\n  c: d,\n}\n"),
    ],
)
def test_a_key_is_removed_with_its_lines_and_nothing_else(
    before: str, path: str, after: str
) -> None:
    assert removed(TOP + before, *path.split(".")) == TOP + after


def test_a_key_is_removed_from_json() -> None:
    import json

    spec = {"command": ["x"], "env": {"A": "b", "C": "d"}}
    text = json.dumps({"kind": "App", "metadata": {"name": "web"}, "spec": spec}, indent=2)
    for path in (("env", "C"), ("env", "A"), ("env",)):
        after = json.loads(removed(text, *path))
        assert path[-1] not in (after["spec"]["env"] if path[1:] else after["spec"])


def test_a_key_that_is_not_there_is_no_change_and_one_in_an_alias_is_refused() -> None:
    text = TOP + "spec: {a: b}\n"
    assert removed(text, "c") == removed(text, "a", "c") == text
    with pytest.raises(EditError, match="by hand"):
        removed(TOP + "other: &s {a: b}\nspec: *s\n", "a")
    with pytest.raises(EditError, match="by hand"):
        removed(TOP + "spec:\n  a: &x 1\n  b: *x\n", "a")


# -- over generated files ------------------------------------------------------------------------

_WORD = st.sampled_from(["x", "'q'", '"d"', "12", "true", "a b", "~", "ü", "0x1F"])
_FLOW = st.recursive(
    _WORD,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]")
        | st.dictionaries(st.sampled_from("klm"), inner, max_size=3).map(
            lambda found: "{" + ", ".join(f"{k}: {v}" for k, v in found.items()) + "}"
        )
    ),
    max_leaves=5,
)
_TAIL = st.sampled_from(["", " ", "  # note", "\t", " #"])
_BETWEEN = st.sampled_from(["", "\n", "# a line\n", "   \n", "      # far in\n"])


@st.composite
def _block(draw: st.DrawFn, indent: int, depth: int, special: bool) -> str:
    """Lines of a block mapping, with or without the field that is edited."""
    keys = draw(st.lists(st.sampled_from("abcdef"), unique=True, min_size=1, max_size=4))
    if special and draw(st.booleans()):
        keys.insert(draw(st.integers(0, len(keys))), "instances")
    lines = ""
    for key in keys:
        lines += draw(_BETWEEN) + " " * indent + key + ":"
        kind = draw(st.sampled_from(["flow", "block", "literal", "list", "empty"]))
        if key == "instances":
            lines += " " + draw(_WORD) + draw(_TAIL) + "\n"
        elif kind == "empty":
            lines += draw(_TAIL) + "\n"
        elif kind == "block" and depth:
            lines += draw(_TAIL) + "\n" + draw(_block(indent + 2, depth - 1, False))
        elif kind == "literal":
            style = draw(st.sampled_from(["|", ">", "|-", "|+"]))
            lines += f" {style}\n" + f"{' ' * (indent + 2)}line: # text\n" * 2
        elif kind == "list":
            lines += "\n" + "".join(
                f"{' ' * (indent + draw(st.sampled_from([0])))}- {draw(_FLOW)}{draw(_TAIL)}\n"
                for _ in range(2)
            )
        else:
            lines += " " + draw(_FLOW) + draw(_TAIL) + "\n"
    return lines


@st.composite
def _files(draw: st.DrawFn) -> str:
    before = draw(st.sampled_from(["", "# top\n", "kind: App\nmetadata: {name: other}\n---\n"]))
    flow = draw(st.booleans())
    if flow:
        inside = draw(st.dictionaries(st.sampled_from("abc"), _FLOW, max_size=3))
        entries = [f"{key}: {value}" for key, value in inside.items()]
        if draw(st.booleans()):
            entries.insert(draw(st.integers(0, len(entries))), "instances: 2")
        spec = f"spec: {{{draw(st.sampled_from(['', ' ']))}{', '.join(entries)}}}{draw(_TAIL)}\n"
    else:
        spec = "spec:" + draw(_TAIL) + "\n" + draw(_block(2, 2, True))
    after = draw(st.sampled_from(["", "labels: {a: b}\n", "---\nkind: App\n", "...\n", "# end"]))
    text = before + TOP + spec + after
    text = text[:-1] if draw(st.booleans()) and text.endswith("\n") else text
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


@settings(max_examples=500, deadline=None)
@given(_files(), st.integers(0, 99) | st.booleans() | st.text("a:#'\"\\ü{", max_size=5))
def test_nothing_else_changes_in_any_file(text: str, value: Any) -> None:
    before = [document.data for document in yaml.parse(text)]
    try:
        after = edited(text, value)
    except EditError:
        return
    _one_place_differs(text, after)
    there = next(i for i, d in enumerate(before) if d.get("metadata") == {"name": "web"})
    before[there]["spec"]["instances"] = value
    found = [document.data for document in yaml.parse(after)]
    assert found == before
    assert type(found[there]["spec"]["instances"]) is type(value)


@settings(max_examples=300, deadline=None)
@given(_files(), st.integers(0, 99))
def test_every_generated_file_can_be_edited(text: str, value: int) -> None:
    edited(text, value)


def _paths(data: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    if not isinstance(data, dict):
        return []
    return [one for key in data for one in ((*path, key), *_paths(data[key], (*path, key)))]


def _spec_of(text: str) -> tuple[Any, list[Any]]:
    documents = yaml.parse(text)
    mine = next(d for d in documents if d.data.get("metadata") == {"name": "web"})
    return mine, [document.data for document in documents]


@settings(max_examples=500, deadline=None)
@given(_files(), st.data())
def test_whatever_is_removed_nothing_else_changes_in_any_file(
    text: str, data: st.DataObject
) -> None:
    document, before = _spec_of(text)
    paths = _paths(document.data["spec"])
    if not paths:
        return
    path = data.draw(st.sampled_from(paths))
    try:
        after = removed(text, *path)
    except EditError:  # a comment below it would become text of the block scalar above it
        assert "|" in text or ">" in text
        return
    holder = document.data["spec"]
    for step in path[:-1]:
        holder = holder[step]
    del holder[path[-1]]
    assert [d.data for d in yaml.parse(after)] == before
    _no_comment_of_others_is_lost(text, after, path)


@settings(max_examples=500, deadline=None)
@given(
    _files(),
    st.recursive(
        st.text("ab:#', \\[", max_size=4) | st.integers(0, 9),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=2)
        ),
        max_leaves=4,
    ).filter(lambda value: isinstance(value, dict | list)),
    st.data(),
)
def test_whatever_is_set_to_a_map_or_list_nothing_else_changes_in_any_file(
    text: str, value: Any, data: st.DataObject
) -> None:
    document, before = _spec_of(text)
    path = data.draw(st.sampled_from([("new",), *_paths(document.data["spec"])]))
    try:
        after = set_field(text.encode(), "web", ("spec", *path), value).decode()
    except EditError:
        assert path == ("new",) or "|" in text or ">" in text
        return
    holder = document.data["spec"]
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    assert [d.data for d in yaml.parse(after)] == before
    _no_comment_of_others_is_lost(text, after, path)


def _children(document: Any, path: tuple[str, ...]) -> list[Any]:
    return [p for p in document.marks if p[:-2] == ("spec", *path) and p[-1] == "<key>"]


def _no_comment_of_others_is_lost(before: str, after: str, path: tuple[str, ...]) -> None:
    """Lines of other fields are all there, byte for byte and in order."""
    document, _ = _spec_of(before)
    key = document.marks[("spec", *path, "<key>")] if ("spec", *path) in document.marks else None
    own: set[int] = set()
    if key is not None:
        marks = [m for p, m in document.marks.items() if p[: len(path) + 1] == ("spec", *path)]
        last = max(before.count("\n", 0, max(m.start, m.end - 1)) for m in marks)
        own = {*range(key.line - 1, last + 1)}
        holder = document.marks[("spec", *path[:-1], "<key>")]
        if len(_children(document, path[:-1])) == 1:  # it may have become `{}`
            own.add(holder.line - 1)
    lines = [line for n, line in enumerate(before.splitlines()) if n not in own]
    left = iter(after.splitlines())
    flow = "spec: {" in before or "spec:" not in before
    missing = [line for line in lines if line not in left]
    assert not missing or flow, (missing, after)


def _one_place_differs(before: str, after: str) -> None:
    """What was there is still there in order, but for one stretch, which holds no comment."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    limit = min(len(before), len(after)) - start
    while end < limit and before[-1 - end] == after[-1 - end]:
        end += 1
    removed = before[start : len(before) - end]
    assert "\n" not in removed and "#" not in removed, difflib.ndiff([before], [after])
