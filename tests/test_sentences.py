"""No code of recon takes a sentence apart, or decides by one."""

from __future__ import annotations

import pytest

from tests import sentences


def test_no_code_reads_a_sentence() -> None:
    assert [*sentences.problems()] == []


def test_each_file_that_may_read_sentences_does() -> None:
    for name in sentences.OTHERS:
        assert [*sentences.found((sentences.ROOT / name).read_text())], name


@pytest.mark.parametrize(
    "line",
    [
        'head, _, tail = text.partition("; ")',
        'parts = text.split(": ")',
        'ok = message.startswith("canary ")',
        'ok = message.startswith(("its build failed", "x"))',
        'ok = "did not start" in message',
        'ok = message == "connection refused"',
        'rest = text.removesuffix(f"; {remedy}")',
        'ok = re.search("has never run", message)',
    ],
)
def test_what_reads_a_sentence_is_found(line: str) -> None:
    assert [*sentences.found(line)] == [1]


@pytest.mark.parametrize(
    "line",
    [
        'words = line.split(" ")',
        'host, _, port = place.rpartition(":")',
        "ok = reason is Reason.EMPTIED",
        'ok = name == "web"',
        'ok = "/" in program',
        'print("a message; a remedy")',
    ],
)
def test_what_reads_none_is_not_found(line: str) -> None:
    assert [*sentences.found(line)] == []
