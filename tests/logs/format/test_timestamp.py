"""Times that strftime wrote are read back."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.logs.format.lines import head
from reconciler.logs.format.timestamp import reader
from reconciler.model.host.fifo import FifoName
from reconciler.model.spec.logs import Logs

NAME = FifoName("api", 0, "hash", "nonce", "out")


@pytest.fixture(autouse=True, scope="module")
def berlin() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "Europe/Berlin")
        time.tzset()
        yield
    time.tzset()


WHOLE = [
    *("%Y-%m-%d %H:%M:%S", "%F %T", "[%d/%b/%Y:%H:%M:%S %z]", "%a %b %e %H:%M:%S %Y", "%c"),
    *("%Y%j %H%M%S", "%s", "%D %I:%M:%S %p", "%-d.%-m.%y %-H:%M:%S", "%A, %d. %B %Y, %T"),
    *("%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%d %H:%M:%S %Z", "100%% %F %T", "%G-W%V %Y-%m-%d %k:%M:%S"),
]


@pytest.mark.parametrize("form", WHOLE)
@given(when=st.integers(946_684_800, 2_524_608_000))
def test_what_was_written_is_what_is_read(form: str, when: int) -> None:
    local = datetime.fromtimestamp(when, UTC).astimezone(None)
    line = head(Logs(timestamps=form), NAME, when).encode() + b"text 2026"
    found = reader(form)(line)
    assert found is not None
    end, read = found
    assert line[end:] == b"text 2026"
    again = datetime.fromtimestamp(when + 3600, UTC).astimezone(None)
    before = datetime.fromtimestamp(when - 3600, UTC).astimezone(None)
    twice = local.utcoffset() not in (again.utcoffset(), before.utcoffset()) or (
        again.utcoffset() != before.utcoffset()
    )
    if not twice:  # else the hour comes twice, and only an offset would tell which one it is
        assert read == when


@pytest.mark.parametrize("form", ["%H:%M:%S", "%d %H:%M", "%b %d %T", "%A"])
def test_a_time_without_its_day_is_taken_off_and_means_nothing(form: str) -> None:
    line = head(Logs(timestamps=form), NAME, 1795490100).encode() + b"text"
    found = reader(form)(line)
    assert found is not None and line[found[0] :] == b"text" and found[1] is None


@pytest.mark.parametrize("line", [b"", b"text", b"2026-11-24", b"2026-13-45 10:00:00 x"])
def test_what_is_no_such_time_is_text_or_means_nothing(line: bytes) -> None:
    found = reader("%Y-%m-%d %H:%M:%S")(line)
    assert found is None or found[1] is None


@given(st.binary(max_size=60), st.sampled_from(WHOLE))
def test_no_line_is_too_strange(line: bytes, form: str) -> None:
    reader(form)(line)
