"""All apps: what a row says, and hostile names that stay text."""

from __future__ import annotations

import re
from typing import Any

import pytest

from reconciler.ui.dashboard.views.overview import Wanted, overview, row_of
from reconciler.ui.dashboard.views.pieces import delta
from reconciler.ui.live.snapshot import Snapshot
from tests.ui.dashboard.standin import app_row, used_row

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "a\u202eb\u2066c\x1b[2J\x00\r\n d",
    "&lt;b&gt;",
    "\ud800",
]


def shown(*apps: dict[str, Any], wanted: Wanted | None = None, **more: Any) -> Any:
    status = {"apps": [*apps], "errors": more.pop("errors", []), **more.pop("status", {})}
    usage = {"instances": more.pop("used", [])}
    snapshot = Snapshot(1, status, usage)
    return overview(snapshot, wanted or Wanted(), may_act=True)


def test_a_row_has_name_state_and_use_as_words() -> None:
    used = [used_row("web", "web-0", rssBytes=90 * 2**20, limitBytes=100 * 2**20, cpuPercent=3.6)]
    app = app_row(sync="OutOfSync", health="Degraded", restarts=3, message="it broke")
    html = shown(app, used=used).html["app-web"]
    text = " ".join(re.sub(r"<[^>]*>", " ", html).split())
    assert text.startswith("web it broke OutOfSync Degraded 1/1 4% 90Mi 90% of limit")
    assert text.endswith("3")


@pytest.mark.parametrize("text", HOSTILE)
def test_text_of_others_stays_text(text: str) -> None:
    app = app_row(message=text, labels={"a": text, text: "b"}, kind=text, health=text, sync=text)
    errors = [{"file": text, "line": 1, "column": 2, "path": text, "message": text}]
    journal = {"state": text, "message": text}
    pieces = shown(app, errors=errors, status={"journal": journal}, wanted=Wanted(text))
    for html in pieces.html.values():
        html.encode()  # it can be sent
        assert "<script" not in html and "<img" not in html and "49" not in html
        assert not re.search(r"<[^>]*\son\w+=", re.sub(r'"[^"]*"', '""', html))
        assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", html)


def test_what_does_not_match_is_in_the_page_and_hidden() -> None:
    pieces = shown(app_row("web"), app_row("api"), wanted=Wanted("we"))
    assert " hidden" not in pieces.html["app-web"] and " hidden" in pieces.html["app-api"]
    assert pieces.order["apps"] == ("app-api", "app-web")


def test_the_worst_can_stand_first() -> None:
    apps = [app_row("a"), app_row("b", health="Degraded"), app_row("c", sync="OutOfSync")]
    assert shown(*apps, wanted=Wanted(sort="health")).order["apps"][0] == "app-b"
    assert shown(*apps, wanted=Wanted(sort="sync")).order["apps"][0] == "app-c"
    assert shown(*apps, wanted=Wanted(sort="nonsense")).order["apps"][0] == "app-a"


def test_of_500_apps_one_that_changes_is_one_row_and_the_sum() -> None:
    apps = [app_row(f"svc-{n:03}") for n in range(500)]
    before = shown(*apps)
    apps[250] = app_row("svc-250", health="Degraded")
    assert {*delta(before, shown(*apps))["html"]} == {"app-svc-250", "sum"}


def test_a_little_more_memory_or_time_is_no_other_row() -> None:
    """What changes each moment, and tells a person nothing, is no work for the browser."""
    before = shown(app_row(), used=[used_row("web", "web-0", cpuPercent=0.1, uptimeSeconds=1)])
    after = shown(app_row(), used=[used_row("web", "web-0", cpuPercent=0.3, uptimeSeconds=3)])
    assert delta(before, after) == {}


def test_problems_have_file_and_line_and_what_waits_has_a_button() -> None:
    errors = [
        {"file": "/m/a.yaml", "line": 3, "column": 7, "path": "spec.x", "message": "no; do y"}
    ]
    load = {"reason": "memory", "instances": {"from": 1, "to": 9}}
    removed = [
        {"type": "Removed", "status": "False", "reason": "ConfirmationRequired", "message": ""}
    ]
    pieces = shown(app_row(load=load), app_row("old", conditions=removed), errors=errors)
    html = pieces.html["problems"]
    assert "/m/a.yaml:3:7" in html and "spec.x" in html and "no; do y" in html
    assert "/act/confirm-load" in html and "/act/confirm-prune" in html
    assert shown(app_row()).html["problems"].split() == ["<div", 'id="problems">', "</div>"]


def test_the_trend_of_an_app_is_the_sum_of_its_instances() -> None:
    used = [
        used_row("web", "web-0", outlineBytes=[10, 10, 10]),
        used_row("web", "web-1", outlineBytes=[50]),
    ]
    snapshot = Snapshot(1, {"apps": [app_row()]}, {"instances": used})
    assert row_of(app_row(), snapshot)["memory"] == 2 * 2**20
    assert row_of(app_row(), snapshot)["spark"].count("L") == 2


def test_without_apps_it_says_what_to_do() -> None:
    assert "recon init" in shown().html["none"]
