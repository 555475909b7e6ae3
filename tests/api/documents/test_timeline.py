"""An event is one line, its names in columns, and 80 columns hold where they can."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.api.documents.timeline import Timeline, subject_of

WHEN = "2026-11-24 05:12:09"
REASONS = ["Started", "ControllerStarted", "JournalUnavailable", "FailedPreStopHook", "BackOff"]


@given(st.lists(st.tuples(st.text("s", max_size=30), st.integers(1, 30))))
def test_columns_only_grow_and_leave_room_in_80(names: list[tuple[str, int]]) -> None:
    timeline, before = Timeline(), 0
    for subject, length in names:
        line = timeline.line(WHEN, subject or "s", "R" * length, "m:")
        message = line.index("m:")
        assert line.split() == [*WHEN.split(), subject or "s", "R" * length, "m:"]
        if len(subject) <= 20 and length <= 20:
            assert before <= message <= 65
            before = message


@pytest.mark.parametrize("reason", REASONS)
def test_a_known_reason_moves_nothing(reason: str) -> None:
    timeline = Timeline(REASONS, ["web-0"])
    line = timeline.line(WHEN, "web-0", reason, "said")
    assert line.index("said") == len(WHEN) + 2 + 16 + 2 + max(map(len, REASONS)) + 2
    assert len(line) <= 80


def test_what_it_is_of_is_the_instance_the_app_or_recon() -> None:
    found = subject_of("web", 0), subject_of("web", None), subject_of("", None)
    assert found == ("web-0", "web", "recon")


def test_it_is_one_line_without_control_characters() -> None:
    line = Timeline().line("05:12:09", "", "Exited", "a\x1b[2J\nb", lambda reason: f"<{reason}>")
    assert line == "05:12:09  <Exited          >  a [2J b"
