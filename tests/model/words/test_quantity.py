"""Sizes and shares: what people write, and what Kubernetes and PM2 make of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.model.words.quantity import (
    format_size,
    parse_duration,
    parse_share,
    parse_size,
    resolve_share,
)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        (4096, 4096),
        ("4096", 4096),
        ("10Mi", 10 * 2**20),
        ("300M", 300 * 2**20),  # as PM2
        ("1.5Gi", 3 * 2**29),
        ("1k", 1024),
        ("2 GB", 2**31),
        ("7B", 7),
        ("1TiB", 2**40),
    ],
)
def test_sizes_are_binary(text: str | int, count: int) -> None:
    assert parse_size(text) == count


@pytest.mark.parametrize("text", ["", "10i", "-1", "1e3", "ten", "10Mo", "9" * 400, "1.5.5", "١"])
def test_what_is_no_size_is_told_with_what_is(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a size; write e\.g\. 1048576, 10Mi"):
        parse_size(text)


@given(st.integers(0, 2**50))
def test_a_size_reads_back_about_as_written(count: int) -> None:
    assert abs(parse_size(format_size(count)) - count) <= count * 0.06


@pytest.mark.parametrize("share", [True, -1, "25", "-5%", "%", 0.5, "9" * 5000 + "%", None])
def test_a_share_is_a_number_or_a_percentage(share: object) -> None:
    with pytest.raises(ValueError, match="not a valid number of instances or percentage"):
        parse_share(share)  # type: ignore[arg-type]  # what a manifest may hold


@pytest.mark.parametrize(
    ("share", "total", "up", "down"),
    [
        ("25%", 4, 1, 1),
        ("25%", 1, 1, 0),
        ("34%", 3, 2, 1),
        ("100%", 7, 7, 7),
        (3, 2, 3, 3),
        ("0%", 9, 0, 0),
        ("7%", 100, 7, 7),
        ("999999999%", 100_000, 999_999_999_000, 999_999_999_000),
    ],
)
def test_a_share_rounds_up_for_surge_and_down_for_unavailable(
    share: str | int, total: int, up: int, down: int
) -> None:
    assert resolve_share(share, total, round_up=True) == up
    assert resolve_share(share, total, round_up=False) == down


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("30s", 30), ("10m", 600), ("1h30m", 5400), ("2d", 172800), ("0.5s", 0.5)],
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "m", "soon", "-5s", "5x", "10m 3"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration; write"):
        parse_duration(text)
