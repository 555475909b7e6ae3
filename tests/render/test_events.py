"""What people read of an event beyond its sentence."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.render.events import EventLines, actor_of, crash_lines, details

CRASH: dict[str, Any] = {
    "id": "1-1",
    "time": "2026-11-30T20:00:00.000+00:00",
    "app": "web",
    "instance": 0,
    "type": "Warning",
    "reason": "Exited",
    "message": "pid 7 ended: exit 1",
    "exit": {
        "code": 1,
        "signal": None,
        "uptimeSeconds": 3.25,
        "stderr": ["one", "two", "three", "\x1b[31mfour" + "x" * 200],
        "core": "/var/core.7",
        "port": {"number": 3000, "holder": "pid 9 (node)"},
    },
    "by": None,
}


def test_a_crash_is_told_with_its_facts_and_last_lines() -> None:
    lines = details(CRASH, columns=80)
    assert lines[:4] == [
        "    core file: /var/core.7",
        "    port 3000 is in use by pid 9 (node)",
        "    ! two",
        "    ! three",
    ]
    assert len(lines) == 5 and len(lines[4]) <= 80 and "\x1b" not in lines[4]


def test_an_event_without_more_has_no_more_lines() -> None:
    assert details({**CRASH, "exit": None}, columns=None) == []
    assert details({"reason": "Started"}, columns=None) == [], (
        "of a controller of an earlier release"
    )
    assert (
        details(
            {**CRASH, "exit": {**CRASH["exit"], "core": None, "port": None, "stderr": []}},
            columns=None,
        )
        == []
    )


def test_a_port_that_is_free_again_is_told_so() -> None:
    exit = {**CRASH["exit"], "core": None, "port": {"number": 80, "holder": None}, "stderr": []}
    assert details({**CRASH, "exit": exit}, columns=None) == ["    port 80 was in use"]


@pytest.mark.parametrize(
    ("more", "head"),
    [
        ({}, "exit 1 after 3.2 s"),
        ({"signal": "SIGSEGV", "code": None}, "SIGSEGV after 3.2 s"),
        ({"code": None, "uptimeSeconds": 7200.0}, "exit unknown after 2h00m"),
        ({"uptimeSeconds": None}, "exit 1"),
    ],
)
def test_the_last_crash_is_a_line_with_how_and_after_what_time(
    more: dict[str, Any], head: str
) -> None:
    crash = {**CRASH, "exit": {**CRASH["exit"], **more}}
    first, *rest = crash_lines(crash, output=True, columns=80)
    assert first.startswith("last crash: web-0 at 2026-11-") and first.endswith(f": {head}")
    assert len(rest) == 5
    assert not any("!" in line for line in crash_lines(crash, output=False, columns=80))


@pytest.mark.parametrize(
    ("by", "text"),
    [
        (("restart", "alice", 1000, None), "restart by alice (uid 1000)"),
        (("restart", None, 1000, None), "restart by uid 1000"),
        (("edit", None, None, "1a2b3c4d5e6f7890"), "edit at commit 1a2b3c4d5e6f"),
        (("edit", None, None, None), "edit"),
    ],
)
def test_who_asked_is_said(by: tuple[Any, ...], text: str) -> None:
    verb, user, uid, commit = by
    actor = {"verb": verb, "user": user, "uid": uid, "commit": commit}
    assert actor_of(actor) == text
    assert details({**CRASH, "exit": None, "by": actor}, columns=None) == [f"    {text}"]


STARTED = {**CRASH, "type": "Normal", "reason": "Started", "exit": None}


@pytest.mark.parametrize("columns", [40, 80])
def test_on_a_narrow_terminal_the_sentence_of_an_event_is_below_it(columns: int) -> None:
    long = "started pid 11183 (restarted after exit 3), and waits for its probe to answer"
    events = [{**STARTED, "message": long}, {**STARTED, "app": "x" * 63, "message": long}]
    for event in events:
        head, *below = EventLines(columns=columns).folded(event)
        assert "Started" in head and len(head) <= columns
        assert " ".join(line.strip() for line in below) == long
        assert all(line.startswith("    ") and len(line) <= columns for line in below)


def test_in_a_pipe_an_event_is_one_line() -> None:
    (line,) = EventLines().folded({**STARTED, "message": "m " * 200})
    assert line.endswith("m m ")
