"""JavaScript's text of a value, and PM2's way to split words: compared with both."""

from __future__ import annotations

import json
import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from reconciler.convert.pm2.keys.logs import strftime
from reconciler.convert.pm2.values import text_of, words_of

_VALUE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab'\"", max_size=2), inner, max_size=3)
    ),
    max_leaves=5,
)
_ASK = """
const values = JSON.parse(require('fs').readFileSync(0, 'utf8').replace(/Infinity/g, '1e999'));
const split = %s;
const text = (value) => typeof value === 'object' ? JSON.stringify(value) : String(value);
process.stdout.write(JSON.stringify(values.map(split ? (one) => (one.match(
  /[^\\s"'=]+="[^"]*"|[^\\s"'=]+='[^']*'|"([^"]*)"|'([^']*)'|\\S+/g) || [])
  .map((v) => v[0] === '"' && v[v.length - 1] === '"' ? v.slice(1, -1)
    : v[0] === "'" && v[v.length - 1] === "'" ? v.slice(1, -1) : v)
  .filter((v) => v && v.trim()) : text)));
"""


def node(values: list[Any], split: bool) -> list[Any]:
    if shutil.which("node") is None:
        pytest.skip("no node in PATH: JavaScript's text of values is not compared with Node's")
    done = subprocess.run(
        ["node", "-e", _ASK % json.dumps(split)],
        input=json.dumps(values),
        capture_output=True,
        text=True,
        check=True,
    )
    found: list[Any] = json.loads(done.stdout)
    return found


# One Node answers for many values, so that a failure is not made smaller.
@settings(
    max_examples=10, deadline=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck)
)
@given(st.lists(_VALUE, min_size=100, max_size=200))
def test_the_text_of_a_value_is_javascripts(values: list[Any]) -> None:
    # JSON of -0 and of numbers that lie within objects is Node's own matter.
    plain = [value for value in values if not _holds_infinity(value)]
    assert [text_of(value) for value in plain] == node(plain, split=False)


def _holds_infinity(value: Any) -> bool:
    if isinstance(value, list | dict):
        inner = value.values() if isinstance(value, dict) else value
        return any(map(_holds_infinity, inner)) or _reordered(value)
    return isinstance(value, float) and (abs(value) == float("inf") or str(value) == "-0.0")


def _reordered(value: Any) -> bool:
    """JavaScript puts keys that are whole numbers first."""
    return isinstance(value, dict) and any(name.isdecimal() for name in value)


@settings(max_examples=10, deadline=None, phases=[Phase.generate])
@given(st.lists(st.text("ab= '\"\\-", max_size=20), min_size=100, max_size=200))
def test_words_are_split_as_pm2_does(values: list[str]) -> None:
    assert [words_of(value) for value in values] == node(values, split=True)


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("YYYY-MM-DD HH:mm:ss", "%Y-%m-%d %H:%M:%S"),
        ("YYYY-MM-DDTHH:mm:ss", "%Y-%m-%dT%H:%M:%S"),
        ("YYYY-MM-DD HH:mm Z", "%Y-%m-%d %H:%M %z"),
        ("[at] DD/MM 100%", "at %d/%m 100%%"),
        ("YYYY-wo", None),
    ],
)
def test_formats_of_dates(pattern: str, found: str | None) -> None:
    assert strftime(pattern) == found
