from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from reconciler.diff.core import documents
from reconciler.diff.core.documents import Documents
from reconciler.diff.core.history import record
from reconciler.diff.core.situation import Moment
from reconciler.diff.memo import Memo
from reconciler.diff.plan import decide
from reconciler.model.spec.program import ProgramSpec
from reconciler.model.state.desired import Desired
from reconciler.model.state.memory import AppMemory
from reconciler.model.state.revision import document_of
from tests.diff.simhost import app_of


def _noting(written: list[ProgramSpec]) -> Callable[[ProgramSpec], dict[str, Any]]:
    """``document_of``, which notes what it was asked for."""

    def noted(spec: ProgramSpec) -> dict[str, Any]:
        written.append(spec)
        return document_of(spec)

    return noted


def test_a_manifest_is_written_down_once_and_again_after_each_edit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written: list[ProgramSpec] = []
    monkeypatch.setattr(documents, "document_of", _noting(written))
    kept = Documents()
    app, edited = app_of(command="a"), app_of(command="a", instances=5)
    memory = record(AppMemory(), app, kept)
    for _ in range(3):
        assert record(memory, app, kept) is memory
    assert written == [app.spec, app.spec]
    memory = record(memory, edited, kept)
    assert memory.revisions[-1].spec["instances"] == 5
    assert "instances" not in record(memory, app, kept).revisions[-1].spec


def test_the_plans_of_one_memo_share_them(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[ProgramSpec] = []
    monkeypatch.setattr(documents, "document_of", _noting(written))
    app, memo, memory = app_of(), Memo(), AppMemory()
    counts = []
    for _ in range(3):
        made = decide(Desired({app.name: app}), {app.name: memory}, Moment(0.0), memo=memo)
        memory = made[0].memory
        counts.append(len(written))
    assert counts == [1, 2, 2]
