"""Every answer carries the policy; none allows inline code or style, or another host."""

from __future__ import annotations

from reconciler.ui.dashboard.security.headers import HEADERS, secured


def test_the_policy_allows_this_page_and_nothing_else() -> None:
    policy = dict(one.split(" ", 1) for one in HEADERS["Content-Security-Policy"].split("; "))
    assert policy.pop("default-src") == "'none'"
    assert policy.pop("frame-ancestors") == policy.pop("base-uri") == "'none'"
    assert {*policy.values()} == {"'self'"}
    assert HEADERS["X-Frame-Options"] == "DENY" and HEADERS["X-Content-Type-Options"] == "nosniff"
    assert HEADERS["Referrer-Policy"] == "same-origin"


def test_what_an_answer_says_itself_is_left() -> None:
    found = secured([(b"Cache-Control", b"public"), (b"x", b"y")])
    assert [value for name, value in found if name.lower() == b"cache-control"] == [b"public"]
    assert len(found) == len(HEADERS) + 1
