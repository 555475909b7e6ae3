"""Charts: hours of memory and processor time, with limits, restarts and a leak's forecast."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from reconciler.ui.dashboard.views.charts import HEIGHT, WIDTH, charts_of
from tests.ui.dashboard.standin import app_row, event_row, instance_row

MIB = 2**20
BEGAN = datetime(2026, 11, 30, 12, tzinfo=UTC).timestamp()


def at(minutes: float) -> str:
    return datetime.fromtimestamp(BEGAN + 60 * minutes, UTC).isoformat()


def history(name: str = "web-0", values: list[int] | None = None, **more: Any) -> dict[str, Any]:
    values = values if values is not None else [50 * MIB] * 60
    long = {
        "everySeconds": 60,
        "time": [at(n) for n in range(len(values))],
        "lowBytes": values,
        "highBytes": values,
        "cpuPercent": [1.0] * len(values),
    }
    recent = {"everySeconds": 15, "time": [], "rssBytes": [], "cpuPercent": []}
    row = {"name": name, "limitBytes": None, "leak": None, "saturatedSince": None}
    return {**row, "recent": recent, "long": long, **more}


def drawn(*usage: dict[str, Any], events: Any = (), app: Any = None) -> Any:
    return charts_of({"usage": [*usage], "events": [*events]}, app or app_row(instances=[]))


def heights(path: str) -> list[float]:
    return [float(y) for y in re.findall(r"[ML][\d.-]+ ([\d.-]+)", path)]


def test_nothing_known_is_nothing_drawn() -> None:
    assert drawn() == [] and drawn(history(values=[5])) == []


def test_more_memory_stands_higher_and_all_is_in_the_box() -> None:
    memory, cpu = drawn(history(values=[n * MIB for n in range(10, 70)]))
    found = heights(memory.lines[0].path)
    assert found == sorted(found, reverse=True)
    assert all(0 <= y <= HEIGHT for y in found)
    assert memory.lines[0].last == "69Mi" and cpu.lines[0].last == "1.0%"
    assert "web-0 69Mi" in memory.summary and "highest 69Mi" in memory.notes


def test_a_limit_is_drawn_where_it_is_near_and_named_where_it_is_not() -> None:
    near = drawn(history(limitBytes=100 * MIB))[0]
    assert near.limit is not None and near.limit < min(heights(near.lines[0].path))
    assert "limit 100Mi" in near.notes
    far = drawn(history(limitBytes=4096 * MIB))[0]
    assert far.limit is None and "limit 4Gi, far above" in far.notes


def test_a_leak_is_drawn_ahead_and_told_in_words() -> None:
    leak = {"bytesPerHour": 60 * MIB, "since": at(0), "secondsLeft": 600}
    values = [(40 + n) * MIB for n in range(60)]
    chart = drawn(history(values=values, limitBytes=110 * MIB, leak=leak))[0]
    past, ahead = heights(chart.lines[0].path), heights(chart.lines[0].forecast)
    assert ahead[0] == past[-1] and ahead[1] < ahead[0]
    assert chart.limit is not None and abs(ahead[1] - chart.limit) < 3, "it meets the limit"
    assert chart.end == "in 10m00s"
    assert any("leaks 60Mi an hour, reaches its limit in 10m00s" in note for note in chart.notes)


def test_starts_and_ends_of_processes_are_marked() -> None:
    row = instance_row("web-0", startTime=at(30))
    crash = event_row(time=at(15), exit={"code": 1})
    chart = drawn(history(), events=[crash], app=app_row(instances=[row]))[0]
    assert [round(x / WIDTH, 1) for x in chart.restarts] == [0.3, 0.5]


def test_of_many_instances_those_that_use_most_get_a_line() -> None:
    rows = [history(f"web-{n}", [n * MIB, n * MIB]) for n in range(1, 40)]
    names = [line.name for line in drawn(*rows)[0].lines]
    assert len(names) == 6 and "web-39" in names and "web-1" not in names


def test_a_young_process_is_drawn_by_its_fine_samples() -> None:
    recent = {
        "everySeconds": 15,
        "time": [at(n / 4) for n in range(4)],
        "rssBytes": [MIB, 2 * MIB, 3 * MIB, 4 * MIB],
        "cpuPercent": [0.0, 100.0, 0.0, 0.0],
    }
    memory, cpu = drawn(history(values=[4 * MIB], recent=recent))
    assert len(heights(memory.lines[0].path)) == 4 and "highest 100.0%" in cpu.notes


def test_memory_of_zero_and_one_moment_divide_by_nothing() -> None:
    assert drawn(history(values=[0, 0]))[0].lines[0].path
