"""What instances use as text, against golden tables."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.render.usage import usage_lines, usage_table

MI = 2**20
LEAK = {"bytesPerHour": 12 * MI, "since": "2026-11-24T04:00:00.000+00:00", "secondsLeft": 25500}


@pytest.fixture(autouse=True)
def utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LC_ALL", "C.UTF-8")


def row(name: str, rss: int, cpu: float, **values: Any) -> dict[str, Any]:
    return {
        "app": name.rpartition("-")[0],
        "name": name,
        "pid": 7,
        "rssBytes": rss * MI,
        "cpuPercent": cpu,
        "limitBytes": None,
        "leak": None,
        "saturatedSince": None,
        "outlineBytes": [rss * MI],
        **values,
    }


ROWS = [
    row("backend-0", 210, 12.3, limitBytes=300 * MI, leak=LEAK, outlineBytes=[*range(1, 13)]),
    row("backend-1", 290, 2.0, limitBytes=300 * MI),
    row("spinner-0", 13, 100.2, saturatedSince="2026-11-24T04:00:00.000+00:00"),
    row("backend-10", 13, 0.0),
]
TABLE = """\
2 apps, 4 instances: 114.5% of a core, 526Mi

INSTANCE    CPU     MEMORY  LIMIT  USED  TREND         NOTE
backend-1   2.0%    290Mi   300Mi  97%   ▄
backend-0   12.3%   210Mi   300Mi  70%   ▁▁▂▃▃▄▅▅▆▇▇█  leaks 12Mi/h, 7h05m left
backend-10  0.0%    13Mi    -      -     ▄
spinner-0   100.2%  13Mi    -      -     ▄             all of a core"""


def table(sort: str, columns: int | None = 80) -> list[str]:
    return usage_table({"instances": ROWS}, columns=columns, sort=sort)


def test_the_table_fits_eighty_columns() -> None:
    assert "\n".join(table("memory")) == TABLE
    assert max(map(len, table("memory"))) <= 80


@pytest.mark.parametrize(
    ("sort", "first", "last"),
    [("cpu", "spinner-0", "backend-10"), ("limit", "backend-1", "spinner-0")],
)
def test_sorted_by_what_was_asked(sort: str, first: str, last: str) -> None:
    names = [line.split()[0] for line in table(sort)[3:]]
    assert (names[0], names[-1]) == (first, last)
    assert [line.split()[0] for line in table("name")[3:]][:3] == [
        "backend-0",
        "backend-1",
        "backend-10",
    ]


def test_nothing_runs() -> None:
    assert usage_table({"instances": []}, columns=80, sort="cpu") == ["No instance runs."]


def history(name: str, values: list[int], long: list[int] | None = None) -> dict[str, Any]:
    def series(sizes: list[int], every: int, **names: Any) -> dict[str, Any]:
        return {"everySeconds": every, "cpuPercent": [5.0 for _ in sizes], **names}

    older = long if long is not None else values[:1]
    return {
        "name": name,
        "leak": None,
        "saturatedSince": None,
        "recent": series(values, 15, rssBytes=[n * MI for n in values]),
        "long": series(older, 60, highBytes=[n * MI for n in older]),
    }


def test_a_young_history_is_drawn_from_its_samples() -> None:
    assert usage_lines([history("web-0", [10, 20, 30, 40])]) == [
        "  web-0, the last 1m00s",
        "       40Mi |    █",
        "            |   ██",
        "            |  ███",
        "          0 | ████",
        "        CPU | ▄▄▄▄ up to 5.0%",
    ]


def test_an_old_one_from_its_buckets_as_wide_as_there_is_room() -> None:
    lines = usage_lines([history("web-0", [5] * 40, [*range(1, 121)])])
    assert lines[0] == "  web-0, the last 2h00m"
    assert max(map(len, lines)) == len(" " * 14) + 60 + len(" up to 5.0%")


def test_of_many_instances_each_gets_a_line() -> None:
    lines = usage_lines([history(f"web-{n}", [1, 8]) for n in range(6)])
    assert len(lines) == 7 and lines[1] == "web-0     ▁█      ▄▄"


def test_without_a_history_nothing_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    assert usage_lines([history("web-0", [], [])]) == []
    monkeypatch.setenv("LC_ALL", "C")
    assert all(line.isascii() for line in usage_lines([history("web-0", [1, 2, 30])]))
