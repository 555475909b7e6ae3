from __future__ import annotations

from reconciler.ui.monit.table.filter import shown_by
from reconciler.ui.monit.table.rows import View, rows_of
from tests.cli.documents import app, instance, status
from tests.ui.monit.fake import shop


def keys(view: View) -> list[str]:
    return [row.key for row in rows_of(shop(), view)]


def test_an_open_app_has_its_instances_below_it() -> None:
    assert keys(View()) == ["api", "db", "migrate", "web", "worker"]
    opened = keys(View(opened={"api", "gone"}))
    assert opened == ["api", "api/api-0", "api/api-1", "db", "migrate", "web", "worker"]


def test_a_filter_hides_apps_with_their_instances() -> None:
    assert keys(View(opened={"api", "web"}, shown=shown_by("web"))) == [
        "web",
        "web/web-0",
        "web/web-1",
    ]


def test_nothing_is_known_yet() -> None:
    assert rows_of(None, View()) == []


def test_the_worst_the_busiest_and_the_largest_come_first() -> None:
    assert keys(View(order="health"))[:2] == ["worker", "api"]
    assert keys(View(order="cpu"))[:2] == ["api", "web"]
    assert keys(View(order="memory"))[:2] == ["db", "api"]
    assert keys(View(order="restarts"))[:2] == ["worker", "api"]
    assert keys(View(order="name", reverse=True))[0] == "worker"


def test_instance_10_comes_after_instance_9() -> None:
    rows = [instance(f"web-{number}") for number in (10, 9, 0)]
    document = status(app("web", instances=rows))
    found = [row.key for row in rows_of(document, View(opened={"web"}))]
    assert found == ["web", "web/web-0", "web/web-9", "web/web-10"]
