"""Tags read back as they were written, and nothing else reads as one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.state.observed import LEFT_BEHIND, Exit, ProcessId, Tag, left_behind

_word = st.text(st.characters(codec="ascii", exclude_characters="/\0"), min_size=1, max_size=20)


@given(_word, _word, st.integers(0, 10**6), _word, _word)
def test_a_tag_reads_back(store: str, app: str, instance: int, hash: str, nonce: str) -> None:
    tag = Tag(store, app, instance, hash, nonce)
    assert Tag.parse(str(tag)) == tag


@pytest.mark.parametrize(
    "text",
    ["", "s/a/0/h", "s/a/0/h/n/x", "s/a/x/h/n", "s/a/-1/h/n", "s/a/²/h/n", "/a/0/h/n", "s/a/0/h/"],
)
def test_what_is_no_tag_is_none(text: str) -> None:
    assert Tag.parse(text) is None


@given(st.text())
def test_no_text_makes_parsing_fail(text: str) -> None:
    Tag.parse(text)


def test_an_unknown_exit_is_a_failure_and_shown_as_unknown() -> None:
    assert not Exit().success
    assert [str(e) for e in (Exit(), Exit(0), Exit(3), Exit(signal=9), Exit(signal=37))] == [
        "exit unknown",
        "exit 0",
        "exit 3",
        "SIGKILL (signal 9)",
        "SIGRTMIN+3 (signal 37)",
    ]


def test_a_program_that_puts_itself_in_the_background_is_told_to_stay() -> None:
    left = [ProcessId(812, 50), ProcessId(811, 60)]
    told = left_behind(Exit(0), left)
    assert told.success and told.reason == LEFT_BEHIND
    assert str(told).startswith("LeftBehind: left pid 812 running and exited: keep it in the fore")
    for other in (Exit(1), Exit(signal=9), Exit()):
        assert left_behind(other, left) == other, "a crash is a crash, whatever it leaves"
    assert left_behind(Exit(0), []) == Exit(0)
