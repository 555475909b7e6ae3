"""A text that holds a secret is always suspected; one that holds none hardly ever."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from reconciler.checks.redact import Redactor
from reconciler.logs.read.fingerprints import of_pieces
from reconciler.model.words.mask import MASK
from tests.diff.simhost import app_of

SECRET = "correct-horse-battery-7"


@given(st.text(max_size=20), st.text(max_size=20), st.integers(0, 2**32 - 1))
def test_a_piece_is_found_wherever_it_stands(before: str, after: str, key: int) -> None:
    prints = of_pieces(["k3y-ABCD"], key)
    assert prints.may_be_in(f"{before}k3y-ABCD{after}")
    assert not of_pieces([], key).may_be_in(before + after)


def test_ordinary_text_is_not_suspected() -> None:
    prints = of_pieces([SECRET[:8], SECRET[-8:]], 7)
    assert not any(prints.may_be_in(f"line {number} of the log") for number in range(1000))


@given(st.text(max_size=10), st.integers(0, len(SECRET) - 1), st.integers(1, len(SECRET)))
def test_what_is_masked_was_suspected(around: str, start: int, length: int) -> None:
    redact = Redactor()
    redact.learn(replace(app_of(), secrets={"API_KEY": SECRET}))
    text = around + SECRET[start : start + length] + around
    if MASK in redact(text) and MASK not in text:
        assert redact.fingerprints().may_be_in(text)
