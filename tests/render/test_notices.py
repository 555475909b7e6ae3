"""Targets as a table, and what fails now below the apps."""

from __future__ import annotations

from typing import Any

from reconciler.api.documents.notices import notices_document, troubles_document, unknown_target
from reconciler.model.spec.notify import NotifyTarget
from reconciler.render.notices import notices_table, result_lines, trouble_lines
from reconciler.state.notices import Remembered, TargetRecord


def targets(**more: Any) -> dict[str, NotifyTarget]:
    return {
        "ops": NotifyTarget.model_validate({"url": "slack://s3cr3t", **more}),
        "script": NotifyTarget.model_validate({"command": ["./page", "s3cr3t"]}),
    }


def test_a_table_fits_and_holds_no_secret() -> None:
    error = "the server answered 500 Internal Server Error, and " * 4
    records = {"ops": TargetRecord(4, 1, 2, 1e9, error, 1e9, 1e9, True)}
    document = notices_document(targets(), records, {"ops": 3}, (7, "it has ended"))
    lines = notices_table(document, columns=80)
    assert max(map(len, lines)) <= 80 and "s3cr3t" not in "\n".join(lines)
    assert "500" in "\n".join(lines) and lines[-1] == "it has ended" and " fails" in lines[1]
    whole = "\n".join(notices_table(document, columns=None))
    assert "next try" in whole and "not used yet" in whole and "slack://***" in whole


def test_hostile_errors_send_nothing_to_a_terminal() -> None:
    records = {"ops": TargetRecord(last_error="\x1b[2Jgone", is_failing=True)}
    document = notices_document(targets(), records, {})
    assert "\x1b" not in "\n".join(notices_table(document, columns=None))
    troubles = {"notifications": troubles_document(records, (0, "\x1b[2J"))}
    assert "\x1b" not in "\n".join(trouble_lines(troubles))


def test_status_tells_of_what_fails_only() -> None:
    assert trouble_lines({}) == trouble_lines({"notifications": []}) == []
    records = {"ops": TargetRecord(last_error="busy", is_failing=True), "b": TargetRecord()}
    found = troubles_document(records, (0, ""))
    assert found == [{"target": "ops", "message": "busy"}]
    assert trouble_lines({"notifications": found})[-1] == "  ops: busy"
    long = [{"target": "ops", "message": "the server answered 500 and said more " * 5}]
    assert max(map(len, trouble_lines({"notifications": long}, 80))) <= 80


def test_results_of_a_test() -> None:
    rows: list[dict[str, Any]] = [
        {"target": "ops", "error": None},
        {"target": "b", "error": "busy"},
    ]
    lines = result_lines(rows)
    assert lines[1].split() == ["ops", "sent"] and lines[2].split() == ["b", "failed", "busy"]


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    assert unknown_target("opz", ["ops"]).endswith("did you mean ops?")
    assert unknown_target("zzz", ["ops"]).endswith("there are ops")
    assert "recon explain" in unknown_target("", [])


def test_what_is_remembered_survives_and_nonsense_does_not() -> None:
    known = Remembered("7-1000", {"ops": TargetRecord(sent=3)})
    assert Remembered.from_text(known.to_text()) == known
    for text in (None, "", "{", "[]", '{"records": 7}'):
        assert Remembered.from_text(text) == Remembered()
