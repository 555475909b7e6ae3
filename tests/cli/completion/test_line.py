"""Where on a line the cursor stands, however the words before it were written."""

from __future__ import annotations

import pytest

from reconciler.cli.completion.line import Line, read


def at(*words: str) -> Line:
    line = read(words)
    assert line is not None
    return line


@pytest.mark.parametrize("words", [["st"], [""], ["--debug", ""], ["rollout", "u"]])
def test_a_verb_is_typed(words: list[str]) -> None:
    line = at(*words)
    assert line.below is not None and line.param is None and not line.is_option
    assert line.typed == words[-1]


@pytest.mark.parametrize(
    ("words", "metavar", "typed", "kept"),
    [
        (["status", "w"], "APP", "w", ""),
        (["status", "web", "-w", "w"], "APP", "w", ""),
        (["status", "-o", "j"], "table|wide|json|yaml", "j", ""),
        (["status", "-oj"], "table|wide|json|yaml", "j", "-o"),
        (["status", "-wo", "j"], "table|wide|json|yaml", "j", ""),
        (["status", "--output", ""], "table|wide|json|yaml", "", ""),
        (["status", "--output=j"], "table|wide|json|yaml", "j", "--output="),
        (["status", "--selector=a=b"], "LABELS", "a=b", "--selector="),
        (["status", "--", "-w"], "APP", "-w", ""),
        (["ls", "-l", "a"], "LABELS", "a", ""),
        (["rollout", "undo", "web", "--to-revision", ""], "N", "", ""),
        (["logs", "-n", "5", "w"], "APP|INSTANCE", "w", ""),
        (["scale", "web=1", "b"], "APP=N", "b", ""),
        (["apply", "-m", "-"], "DIR", "-", ""),
        (["events", "--reason", "Exited", "--reason", "E"], "REASON", "E", ""),
    ],
)
def test_a_value_is_typed(words: list[str], metavar: str, typed: str, kept: str) -> None:
    line = at(*words)
    assert line.param is not None and line.param.metavar == metavar
    assert (line.typed, line.kept) == (typed, kept)


@pytest.mark.parametrize(
    "words", [["status", "-"], ["status", "--out"], ["-"], ["rollout", "--h"], ["apply", "-w", "-"]]
)
def test_an_option_is_typed(words: list[str]) -> None:
    assert at(*words).is_option


def test_what_was_given_before_is_known() -> None:
    line = at(
        "restart", "web", "--state-dir=/a", "-m", "/b", "--state-dir", "/c", "-l", "x", "db", ""
    )
    assert line.values["apps"] == ["web", "db"]
    assert (line.last("state_dir"), line.last("manifests")) == ("/c", "/b")
    assert line.last("nothing") is None
    assert {"-l", "--selector"} <= line.given


@pytest.mark.parametrize("words", [["nonsense", ""], ["rollout", "nonsense", ""]])
def test_behind_a_verb_that_is_none_there_is_nothing(words: list[str]) -> None:
    assert read(words) is None


def test_behind_the_last_argument_there_is_nothing() -> None:
    line = at("describe", "web", "x")
    assert line.param is None and not line.is_option
