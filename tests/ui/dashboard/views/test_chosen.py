"""What a person types finds apps by name, label and state; the browser's code agrees."""

from __future__ import annotations

import json
import re

import pytest

from reconciler.ui.dashboard.server.site import files
from reconciler.ui.dashboard.views.chosen import haystack, matches
from tests.ui.dashboard.standin import app_row

APP = app_row("backend-prod", labels={"tier": "api", "team": "crm"}, health="Degraded")
TABLE = [
    ("", True),
    ("  ", True),
    ("backend", True),
    ("PROD", True),
    ("front", False),
    ("tier=api", True),
    ("Tier=API", True),
    ("tier=ap", False),
    ("ier=api", False),
    ("is:degraded", True),
    ("is:healthy", False),
    ("is:synced tier=api back", True),
    ("is:synced tier=web", False),
    ("is:app", True),
    ("<b>", False),
]


@pytest.mark.parametrize(("query", "is_found"), TABLE)
def test_the_query_by_table(query: str, is_found: bool) -> None:
    assert matches(haystack(APP), query) is is_found


def test_the_browser_finds_the_same() -> None:
    quickjs = pytest.importorskip("quickjs", reason="SKIPPED: no quickjs-ng to run the page's code")
    source = files()["page.js"].decode()
    found = re.search(r"^function matches\(.*?^}", source, re.M | re.S)
    assert found is not None
    context = quickjs.Context()
    context.eval(found[0])
    for query, is_found in TABLE:
        call = f"matches({json.dumps(haystack(APP))}, {json.dumps(query)})"
        assert bool(context.eval(call)) is is_found, query
