"""A line of JSON is folded as its logger means it; whatever else a program writes stays."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.render.logs.entry import clock_of, parsed
from reconciler.render.logs.pretty import pretty

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(), below, max_size=4),
    max_leaves=20,
)


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def folded(**fields: Any) -> str:
    return "\n".join(pretty(json.dumps(fields), colour=False))


@pytest.mark.parametrize(
    ("line", "text"),
    [
        pytest.param(
            '{"level":30,"time":1764151200123,"pid":7,"hostname":"box","msg":"up","port":3000}',
            "10:00:00.123 INFO  up port=3000",
            id="pino",
        ),
        pytest.param(
            '{"name":"api","hostname":"h","pid":1,"level":50,"msg":"gone",'
            '"time":"2025-11-26T10:00:00.123Z","v":0}',
            "10:00:00.123 ERROR gone name=api",
            id="bunyan",
        ),
        pytest.param(
            '{"level":"warn","message":"slow","timestamp":"2025-11-26T10:00:00.000Z","ms":812.5}',
            "10:00:00.000 WARN  slow ms=812.5",
            id="winston",
        ),
        pytest.param(
            '{"event":"user login","level":"info","timestamp":"2025-11-26T12:00:00+02:00",'
            '"user":"Ann Lee"}',
            '10:00:00.000 INFO  user login user="Ann Lee"',
            id="structlog",
        ),
        pytest.param(
            '{"level":"debug","time":1764151200,"message":"tick"}',
            "10:00:00.000 DEBUG tick",
            id="zerolog",
        ),
        pytest.param(
            '{"asctime": "2025-11-26 10:00:00,123", "levelname": "CRITICAL", "message": "x", '
            '"taskName": null}',
            "10:00:00.123 FATAL x taskName=null",
            id="python-json-logger",
        ),
        pytest.param(
            '{"level":"info","ts":1764151200.5,"caller":"a/b.go:7","msg":"ok"}',
            "10:00:00.500 INFO  ok caller=a/b.go:7",
            id="zap",
        ),
        pytest.param(
            '{"@timestamp":"2025-11-26T10:00:00Z","log":{"level":"error"},"message":"m",'
            '"service":{"name":"x"}}',
            "10:00:00.000 ERROR m service.name=x",
            id="ECS",
        ),
        pytest.param(
            '{"version":"1.1","short_message":"m","level":4,"timestamp":1764151200.0}',
            "10:00:00.000 WARN  m version=1.1",
            id="GELF",
        ),
    ],
)
def test_the_loggers_that_people_use(line: str, text: str) -> None:
    assert pretty(line, colour=False) == [text]


@pytest.mark.parametrize(
    "line",
    [
        "no JSON",
        '{"a": 1}',
        "[1, 2]",
        "{broken",
        "{}",
        '{"level": "custom"}',
        "{'level': 'info'}",
        '{"msg": 7}',
        '{"msg": "cut of',
        "",
    ],
)
def test_what_no_logger_wrote_stays_as_it_is(line: str) -> None:
    assert pretty(line, colour=False) == [line]


def test_a_stack_trace_has_lines_of_its_own() -> None:
    error = {"type": "Error", "message": "boom", "stack": "Error: boom\n    at f (a.js:1)\n"}
    assert folded(level=50, msg="failed", err=error).splitlines() == [
        "ERROR failed err.type=Error err.message=boom",
        "    Error: boom",
        "        at f (a.js:1)",
    ]
    assert len(folded(msg="x", stack="line\n" * 1000).splitlines()) == 42


def test_nothing_in_a_line_is_obeyed_by_a_terminal() -> None:
    evil = "\x1b]0;title\x07\x1b[2J\x1b[31mred\r\n\u202e"
    text = folded(**{"msg": evil, "level": "info", evil: evil, "err": {"stack": f"{evil}\n{evil}"}})
    assert not any(ord(char) < 32 and char != "\n" for char in text)
    assert "red" in text and "\u202e" not in text and "[31m" not in text


def test_huge_deep_and_wide_lines_are_bounded() -> None:
    deep = '{"msg":"x","a":' + '{"a":' * 50_000 + "1" + "}" * 50_001
    assert pretty(deep, colour=False) == [deep]
    brackets = '{"msg":"x","a":' + "[" * 200_000 + "}"
    assert pretty(brackets, colour=False) == [brackets]
    wide = folded(msg="x", **{f"field{number}": "y" * 400 for number in range(500)})
    assert len(wide) < 10_000 and wide.endswith("… 460 more")
    huge = json.dumps({"msg": "x" * 10**6})
    assert pretty(huge, colour=False) == [huge]
    nested = folded(msg="x", a={"b": {"c": {"d": {"e": 1}}}})
    assert nested == 'x a.b.c={"d": {"e": 1}}'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1764151200, "10:00:00.000"),
        (1764151200123, "10:00:00.123"),
        (1764151200123456, "10:00:00.123"),
        (1764151200123456789, "10:00:00.123"),
        ("not a time", "not a time"),
        (12, None),
        (True, None),
        (float("inf"), None),
        (10**400, None),
        ("", None),
        ({}, None),
    ],
)
def test_times_of_all_units(value: object, text: str | None) -> None:
    assert clock_of(value) == text


@given(st.dictionaries(st.sampled_from(["msg", "level", "time", "err", "a", "stack"]), JSON))
def test_any_json_is_one_entry_or_stays(document: dict[str, Any]) -> None:
    line = json.dumps(document)
    shown = pretty(line, colour=False)
    assert shown and all("\n" not in text for text in shown)
    assert parsed(line) is not None or shown == [line]


def test_on_a_terminal_the_level_has_its_colour_and_fields_are_dim() -> None:
    (line,) = pretty('{"level":"error","msg":"m","a":1}', colour=True)
    assert line == "\x1b[31mERROR\x1b[0m m \x1b[2ma=1\x1b[0m"
    assert pretty("a WARN b", colour=True) == ["a \x1b[33mWARN\x1b[0m b"]
