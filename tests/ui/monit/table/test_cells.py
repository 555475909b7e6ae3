from __future__ import annotations

from typing import Any

from reconciler.ui.monit.feed.recent import Recent
from reconciler.ui.monit.table.cells import cell, drift
from reconciler.ui.monit.table.columns import COLUMNS
from reconciler.ui.monit.table.rows import Row, View, rows_of
from reconciler.ui.monit.widgets.tones import BAD, BUSY, GOOD
from tests.cli.documents import app, instance, status
from tests.ui.monit.fake import shop


def row(document: dict[str, Any], key: str) -> Row:
    opened = {one["name"] for one in document["apps"]}
    return next(row for row in rows_of(document, View(opened=opened)) if row.key == key)


def test_each_word_has_its_colour() -> None:
    recent, document = Recent(), shop()
    assert cell(row(document, "worker"), "health", recent, blocks=True) == ("Degraded", BAD)
    assert cell(row(document, "api"), "sync", recent, blocks=True) == ("OutOfSync", BUSY)
    assert cell(row(document, "web"), "sync", recent, blocks=True) == ("Synced", GOOD)
    assert cell(row(document, "worker/worker-0"), "health", recent, blocks=True) == ("backoff", BAD)


def test_the_drift_of_an_instance_stands_where_its_app_has_sync() -> None:
    document = shop()
    assert cell(row(document, "api/api-1"), "sync", Recent(), blocks=True).text == "Outdated"
    assert cell(row(document, "api/api-0"), "sync", Recent(), blocks=True).text == ""


def test_drift_is_counted_by_kind() -> None:
    kinds = [{"kind": kind} for kind in ("Outdated", "Extra", "Outdated")]
    assert drift(kinds) == "2 Outdated, Extra"


def test_an_app_uses_what_its_instances_use() -> None:
    document = shop()
    assert cell(row(document, "web"), "cpu", Recent(), blocks=True).text == "6.1%"
    assert cell(row(document, "web"), "memory", Recent(), blocks=True).text == "84Mi"
    assert cell(row(document, "worker"), "cpu", Recent(), blocks=True).text == "-"


def test_many_restarts_fit_their_column() -> None:
    for restarts, text in ((999, "999"), (1500, "1k"), (99_999, "99k"), (10**9, "99k")):
        document = status(app("web", restarts=restarts))
        assert cell(row(document, "web"), "restarts", Recent(), blocks=True).text == text


def test_every_cell_of_every_row_can_be_drawn() -> None:
    odd = instance("odd-0", state="weird", pid=None, restarts=0, status="[bold]x\x1b[2J")
    document = status(*shop()["apps"], app("odd", sync="New", health="Word", instances=[odd]))
    recent = Recent()
    recent.add(document)
    opened = {one["name"] for one in document["apps"]}
    for shown in rows_of(document, View(opened=opened)):
        for column in COLUMNS:
            assert isinstance(cell(shown, column.key, recent, blocks=False).text, str)
