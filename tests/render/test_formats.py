"""Numbers, times and places as people write and read them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.render import formats


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0.4, "0s"), (61, "1m01s"), (3725, "1h02m"), (90000, "1d01h")],
)
def test_durations_are_told_in_two_units_at_most(seconds: float | None, text: str) -> None:
    assert formats.duration(seconds) == text


def test_sizes_counts_and_percents() -> None:
    assert [formats.size(n) for n in (None, 5, 2048, 1572864)] == ["-", "5", "2Ki", "1.5Mi"]
    assert [formats.count(n, "instance") for n in (1, 2)] == ["1 instance", "2 instances"]
    assert formats.percent(None) == "-"


def test_places_are_relative_to_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert formats.place(str(tmp_path / "manifests" / "a.yaml")) == "manifests/a.yaml"
    assert formats.place("/elsewhere/a.yaml") == "/elsewhere/a.yaml"
    assert formats.local(f"{tmp_path}/a.yaml:1:2: x") == "a.yaml:1:2: x"
    tmp_path.rmdir()
    assert formats.place("/elsewhere/a.yaml") == "/elsewhere/a.yaml"
