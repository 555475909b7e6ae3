"""How a line stands in a log."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.logs.format import lines
from reconciler.logs.format.lines import Carry, head, render
from reconciler.model.host.fifo import FifoName
from reconciler.model.spec.logs import Logs

NAME = FifoName("api", 3, "hash", "nonce", "err")
NOW = 1795490130.123456


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("berlin")
@pytest.mark.parametrize(
    ("timestamps", "text"),
    [
        (True, "2026-11-24T03:15:30.123Z "),
        (False, ""),
        ("%Y-%m-%d %H:%M:%S %z", "2026-11-24 04:15:30 +0100 "),
        ("[%d.%m.%y %H:%M:%S.%f]", "[24.11.26 04:15:30.123456] "),
    ],
)
def test_the_time_before_each_line(timestamps: bool | str, text: str) -> None:
    assert head(Logs(timestamps=timestamps), NAME, NOW) == text


def test_json_has_who_said_it_and_when() -> None:
    logs = Logs(format="json")
    text, carry = render(b'one\n"two"\tz\\n\n\nha', head(logs, NAME, NOW).encode(), False, "json")
    assert carry == Carry(b"ha")
    first, second, third = map(json.loads, text.splitlines())
    assert first == {
        "time": "2026-11-24T03:15:30.123Z",
        "app": "api",
        "instance": 3,
        "stream": "stderr",
        "message": "one",
    }
    assert second["message"] == '"two"\tz\\n' and third["message"] == ""


def test_json_without_times_has_none() -> None:
    assert "time" not in head(Logs(format="json", timestamps=False), NAME, NOW)


def test_what_is_no_utf8_is_carried_in_base64_and_spoils_no_other_line() -> None:
    text, _ = render(b"caf\xc3\xa9\nlatin \xe9\n", b'{"app":"a",', False, "json")
    first, second = map(json.loads, text.splitlines())
    assert first == {"app": "a", "message": "café"}
    assert second == {"app": "a", "base64": "bGF0aW4g6Q=="}


def test_a_line_that_is_cut_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lines, "MAX_CARRY", 3)
    text, carry = render(b"long", b'{"app":"a",', False, "json")
    assert json.loads(text) == {"app": "a", "message": "long", "partial": True}
    assert carry == Carry(b"", midline=True)
    text, carry = render(b"\nx\n", b'{"app":"a",', carry.midline, "json")
    assert [json.loads(one) for one in text.splitlines()] == [{"app": "a", "message": "x"}]


@given(st.binary(max_size=200))
def test_one_object_a_line_whatever_is_said(data: bytes) -> None:
    text, _ = render(data + b"\n", b'{"app":"a",', False, "json")
    found = text.split(b"\n")
    assert found.pop() == b""
    assert len(found) == data.count(b"\n") + 1
    for line in found:
        assert json.loads(line)["app"] == "a"
