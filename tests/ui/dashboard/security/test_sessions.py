"""Sessions end, and their cookie is for this page alone."""

from __future__ import annotations

import pytest

from reconciler.ui.dashboard.security.sessions import Sessions, cookie, cookie_name, word_of
from tests.ui.dashboard.security.test_links import Clock

HOUR = 3600.0


def test_a_session_goes_on_while_it_is_used_and_ends_when_it_is_not() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    word = sessions.begin()
    for _ in range(3):
        clock.now += 11 * HOUR
        assert sessions.goes_on(word)
    clock.now += 13 * HOUR
    assert not sessions.goes_on(word) and not sessions.goes_on(word)


def test_a_session_ends_after_a_week_however_much_it_is_used() -> None:
    clock = Clock()
    sessions = Sessions(clock)
    word = sessions.begin()
    while clock.now <= 7 * 24 * HOUR:
        assert sessions.goes_on(word)
        clock.now += 6 * HOUR
    assert not sessions.goes_on(word)


def test_a_session_can_be_ended_and_others_are_none() -> None:
    sessions = Sessions()
    word = sessions.begin()
    assert not sessions.goes_on("") and not sessions.goes_on(word + "x")
    sessions.end(word)
    sessions.end("unknown")
    assert not sessions.goes_on(word)


def test_of_many_sessions_the_one_that_was_idle_longest_ends() -> None:
    sessions = Sessions()
    first, second, *_ = [sessions.begin() for _ in range(64)]
    assert sessions.goes_on(first)
    sessions.begin()
    assert sessions.goes_on(first) and not sessions.goes_on(second)


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites() -> None:
    plain = cookie("recon-7333", "abc", is_secure=False)
    assert plain.startswith("recon-7333=abc; Path=/; HttpOnly; SameSite=Strict")
    assert "Secure" not in plain and "Domain" not in plain
    assert cookie("recon-7333", "abc", is_secure=True).endswith("; Secure")
    assert "Max-Age=0" in cookie("recon-7333", "", is_secure=False)


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("recon-7333=abc", "abc"),
        ("a=b; recon-7333=abc; c=d", "abc"),
        ("recon-73333=abc", ""),
        ("xrecon-7333=abc", ""),
        ("", ""),
        (";;=;", ""),
    ],
)
def test_of_the_cookies_of_this_host_only_that_of_this_port_counts(header: str, word: str) -> None:
    assert word_of(header, cookie_name(7333)) == word
