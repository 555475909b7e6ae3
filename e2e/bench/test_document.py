"""The documents of a run: README's table between its markers, the page, and plots that are XML."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from e2e.bench import document
from e2e.bench.plot import plot

_STATS = {"median": 0.5}
FOUND: dict[str, Any] = {
    "machine": {
        "at": "2026-12-01T04:10:00+00:00",
        "cores": 2,
        "processor": "A processor",
        "kernel": "6.1",
        "python": "3.11",
        "filesystem": "ext4",
        "peers": {"PM2": "7.0"},
    },
    "program": "a program",
    "quick": False,
    "lines": [
        {
            "row": "crash",
            "what": "killed | up",
            "recon": "9 ms",
            "peers": ["runit 2 ms", "PM2 8 ms"],
            "target": "≤ runit's",
            "met": False,
        },
        {"row": "growth", "what": "10", "recon": "1", "peers": [], "target": "", "met": None},
    ],
    "rows": {
        "growth": {
            "seconds": 12.0,
            "loadBefore": [0.1, 0.1, 0.1],
            "samples": {
                "instances": [
                    {"count": count, "start": count / 1000, "status": 0.05, "idle": 0.0, "rss": 40}
                    for count in (10, 100)
                ],
                "manifests": [
                    {"count": count, "validate": 0.3, "dryRun": 0.4, "load": 0.5}
                    for count in (10, 100)
                ],
            },
        },
        "oxmgr": {
            "seconds": 5.0,
            "loadBefore": [0.1, 0.1, 0.1],
            "samples": {"recon": dict.fromkeys(("boot", "up", "list", "rss", "kill"), _STATS)},
        },
    },
}


@pytest.fixture
def written(tmp_path: Path) -> Path:
    (tmp_path / "docs/pictures").mkdir(parents=True)
    text = (document.ROOT / "README.md").read_text(encoding="utf-8")
    (tmp_path / "README.md").write_text(text, encoding="utf-8")
    document.write(FOUND, tmp_path)
    return tmp_path


def test_a_row_that_misses_its_target_stands_in_the_readme_and_says_so(written: Path) -> None:
    text = (written / "README.md").read_text(encoding="utf-8")
    row = "| killed / up | 9 ms | runit 2 ms, PM2 8 ms | **≤ runit's: missed** |"
    assert row in text.splitlines()
    assert "2026-12-01, on 2 cores (A processor)" in text
    assert "Peers: PM2 7.0." in text


def test_only_what_is_between_the_markers_is_replaced_each_time(written: Path) -> None:
    before = (written / "README.md").read_text(encoding="utf-8")
    original = (document.ROOT / "README.md").read_text(encoding="utf-8")
    assert before.partition("<!-- make bench")[0] == original.partition("<!-- make bench")[0]
    assert before.partition("<!-- until")[2] == original.partition("<!-- until")[2]
    document.write(FOUND, written)
    assert (written / "README.md").read_text(encoding="utf-8") == before


def test_the_page_has_growth_and_the_published_figures(written: Path) -> None:
    page = (written / "docs/performance.md").read_text(encoding="utf-8")
    assert "| 100 | 100 ms | 50.0 ms | 0.00 % | 40.0 MiB |" in page
    assert "| boot of an empty daemon | 500 ms | not measured | 101 ms | 390 ms |" in page
    for picture in ("instances", "costs", "manifests"):
        assert f"(pictures/growth-{picture}.svg)" in page
        ET.parse(written / f"docs/pictures/growth-{picture}.svg")


def test_a_page_without_the_marks_is_refused(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("nothing")
    with pytest.raises(ValueError, match="has no <!-- make bench"):
        document.write(FOUND, tmp_path)


def test_a_plot_is_read_in_light_and_dark_and_places_points_by_powers_of_ten() -> None:
    text = plot("A & B", "n", {"one": [(10, 1), (1000, 100)], "two": [(100, 10)]}, str)
    root = ET.fromstring(text)
    assert "prefers-color-scheme: dark" in text
    dots = [
        (float(dot.attrib["cx"]), float(dot.attrib["cy"]))
        for dot in root.iter("{http://www.w3.org/2000/svg}circle")
    ]
    first, last, middle = dots
    assert middle[0] == pytest.approx((first[0] + last[0]) / 2)
    assert middle[1] == pytest.approx((first[1] + last[1]) / 2)
    assert first[0] < last[0] and first[1] > last[1]
