"""A body is an object whose fields are known and have their types; anything else is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.actions.body import Body
from reconciler.api.asgi.refusal import RefusedError

ALLOWED = ("dryRun", "instances", "revision")
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(codec=None)),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "text",
    [b"[]", b"null", b"1", b"{", b"\xff", b'"x"', b"[" * 100_000, b'{"a":' * 100_000, b"\0"],
    ids=lambda text: repr(text[:8]),
)
def test_what_is_no_object_is_refused(text: bytes) -> None:
    with pytest.raises(RefusedError, match="must be a JSON object") as error:
        Body(text, ALLOWED)
    assert error.value.status == 400


def test_no_body_is_an_empty_object() -> None:
    body = Body(b"", ALLOWED)
    assert (body.flag("dryRun"), body.revision("revision")) == (False, 0)


@pytest.mark.parametrize("name", ["dry_run", "\ud800", "\0", "x" * 100_000])
def test_an_unknown_field_is_named(name: str) -> None:
    with pytest.raises(RefusedError, match="is not a field of this body") as error:
        Body(json.dumps({name: True}).encode(), ALLOWED)
    assert len(str(error.value)) < 600


@given(ANYTHING)
def test_any_other_type_is_refused_and_never_raises_something_else(value: object) -> None:
    body = Body(json.dumps(dict.fromkeys(ALLOWED, value)).encode(), ALLOWED)
    for method, name in ((body.flag, "dryRun"), (body.instances, "instances")):
        try:
            found = method(name)
        except RefusedError as error:
            assert error.status == 400
        else:
            assert isinstance(found, bool) if name == "dryRun" else 0 <= int(found) <= 100_000
    try:
        assert 0 <= body.revision("revision") <= 2**53
    except RefusedError as error:
        assert error.status == 400


@pytest.mark.parametrize("value", [0, 3, 3.0, 100_000, "max", "max-1"])
def test_counts_of_instances(value: int | float | str) -> None:
    body = Body(json.dumps({"instances": value}).encode(), ALLOWED)
    assert body.instances("instances") == value


@pytest.mark.parametrize("value", [-1, 1.5, 100_001, "3", "min", True, None, [], {}, 1e400])
def test_what_is_no_count(value: object) -> None:
    body = Body(json.dumps({"instances": value}).encode(), ALLOWED)
    with pytest.raises(RefusedError, match="not a count of instances"):
        body.instances("instances")
