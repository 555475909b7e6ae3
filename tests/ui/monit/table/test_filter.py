from __future__ import annotations

import pytest

from reconciler.ui.monit.table.filter import shown_by
from tests.ui.monit.fake import shop


def names(text: str) -> list[str]:
    return [app["name"] for app in shop()["apps"] if shown_by(text)(app)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", ["api", "db", "migrate", "web", "worker"]),
        ("  ", ["api", "db", "migrate", "web", "worker"]),
        ("we", ["web"]),
        ("WEB", ["web"]),
        ("web-1", ["web"]),
        ("degraded", ["worker"]),
        ("job", ["migrate"]),
        ("tier=back", ["api", "worker"]),
        ("-l tier=back,team!=a", ["worker"]),
        ("-l team", ["api"]),
        ("!team", ["db", "migrate", "web", "worker"]),
        ("-l", ["api", "db", "migrate", "web", "worker"]),
        ("[bold]", []),
        ("nothing", []),
    ],
)
def test_a_filter_is_a_part_of_a_word_or_a_selector(text: str, found: list[str]) -> None:
    assert names(text) == found


@pytest.mark.parametrize("text", ["tier=a=b", "-l a b", "!", "=x"])
def test_a_selector_that_is_none_yet_is_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="is not a selector; write"):
        shown_by(text)
