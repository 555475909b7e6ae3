"""What a snapshot says of one app."""

from __future__ import annotations

from reconciler.ui.live.snapshot import Snapshot

WEB = {"name": "web", "sync": "Synced"}
ROWS = [{"app": "web", "name": "web-0"}, {"app": "api", "name": "api-0"}]


def test_before_the_first_look_nothing_is_known_and_nothing_breaks() -> None:
    empty = Snapshot()
    assert empty.apps == () and empty.app("web") is None and empty.used_by("web") == ()


def test_an_app_is_found_by_its_name_with_what_it_uses() -> None:
    known = Snapshot(status={"apps": [WEB]}, usage={"instances": ROWS})
    assert known.app("web") == WEB and known.app("we") is None
    assert [row["name"] for row in known.used_by("web")] == ["web-0"]
