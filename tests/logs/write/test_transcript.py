"""What a process said is kept whole, line by line, and is nobody else's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.logs.format.lines import LONGEST, MAX_CARRY, Carry, render, whole_lines
from reconciler.logs.write import transcript
from reconciler.logs.write.transcript import PIECE, Transcript, Transcripts


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "fifo"
    made.mkdir()
    return made


@pytest.fixture
def said(folder: Path) -> Iterator[Transcripts]:
    made = Transcripts([folder])
    yield made
    made.close()


def everything(one: Transcript | None) -> list[bytes]:
    assert one is not None
    found = one.read()
    while one.has_more:
        found += one.read()
    return found


@given(st.lists(st.lists(st.sampled_from([b"a", b"ready", b"\n", b"x\ny", b"\r\n"]))))
def test_however_output_is_cut_each_whole_line_is_heard_once(chunks: list[list[bytes]]) -> None:
    """The carry of each chunk goes before the next, as the pump has it."""
    carry, heard = Carry(), b""
    written = b"".join(piece for chunk in chunks for piece in chunk)
    for chunk in chunks:
        data = carry.text + b"".join(chunk)
        heard += whole_lines(data, carry.midline)
        _, carry = render(data, b"", carry.midline)
    assert heard == written[: written.rfind(b"\n") + 1]


def test_of_a_line_that_does_not_wait_for_its_end_the_beginning_is_heard_once() -> None:
    long = b"x" * (MAX_CARRY + 1)
    assert whole_lines(long, midline=False) == long[:LONGEST] + b"\n"
    assert whole_lines(long, midline=True) == b""
    assert whole_lines(b"its end\nnext\nhalf", midline=True) == b"next\n"


def test_nothing_is_kept_of_who_is_not_listened_to(said: Transcripts, folder: Path) -> None:
    said.hear("a", b"ready\n", False)
    assert said.get("a") is None and list(folder.iterdir()) == []


def test_each_process_has_its_own(said: Transcripts) -> None:
    for nonce in "ab":
        said.begin(nonce, kept=True)
    said.hear("a", b"ready\n", False)
    assert everything(said.get("a")) == [b"ready"] and everything(said.get("b")) == []


def test_a_changed_pattern_looks_at_all_of_it_once_more(said: Transcripts) -> None:
    said.begin("a", kept=False)
    said.hear("a", b"one\ntwo\n", False)
    one = said.get("a")
    assert one is not None and one.read() == [b"one", b"two"] and one.read() == []
    one.rewind()
    assert one.read() == [b"one", b"two"]


def test_the_next_controller_has_what_was_said_before(said: Transcripts, folder: Path) -> None:
    said.begin("a", kept=True)
    said.begin("b", kept=False)
    for nonce in "ab":
        said.hear(nonce, b"ready\n", False)
    said.begin("b", kept=True)  # now it is asked for a line
    said.close()
    following = Transcripts([folder])
    # A chunk in which the first was killed, and which it may have heard.
    following.recover("a", b"listening\n", False)
    following.recover("c", b"nobody listened\n", False)
    for nonce in "abc":
        following.begin(nonce, kept=True, whole=False)
    assert everything(following.get("a")) == [b"ready", b"listening"]
    assert everything(following.get("b")) == [b"ready"]
    assert everything(following.get("c")) == []
    first, last = following.get("a"), following.get("c")
    assert first is not None and first.whole and last is not None and not last.whole
    following.close()
    following.sweep(live={"b"})
    assert [path.name for path in folder.iterdir()] == ["b.said"]


def test_it_goes_with_its_process(said: Transcripts, folder: Path) -> None:
    said.begin("a", kept=True)
    said.end("a")
    said.end("a")
    assert said.get("a") is None and list(folder.iterdir()) == []


def test_what_a_killed_controller_kept_of_one_that_is_ready_is_let_go(
    said: Transcripts, folder: Path
) -> None:
    said.begin("a", kept=True)
    said.discard("a")
    assert said.get("a") is not None and (folder / "a.said").exists()
    said.close()
    Transcripts([folder]).discard("a")
    assert list(folder.iterdir()) == []


def test_of_a_very_long_line_only_the_beginning_is_looked_at(said: Transcripts) -> None:
    said.begin("a", kept=False)
    said.hear("a", b"x" * (3 * PIECE) + b"needle\nneedle\n", False)
    assert everything(said.get("a")) == [b"x" * LONGEST, b"needle"]


def test_what_was_looked_at_is_forgotten_before_it_grows(
    said: Transcripts, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcript, "_KEPT", 100)
    said.begin("a", kept=True)
    for number in range(100):
        said.hear("a", b"line %d\n" % number, False)
        assert everything(said.get("a")) == [b"line %d" % number]
        assert os.stat(folder / "a.said").st_size <= 100


def test_what_nobody_looked_at_yet_waits(
    said: Transcripts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcript, "_KEPT", 100)
    said.begin("a", kept=True)
    lines = [b"line %d" % number for number in range(100)]
    for line in lines:
        said.hear("a", line + b"\n", False)
    assert everything(said.get("a")) == lines


def test_where_no_disk_takes_it_it_is_in_memory(folder: Path) -> None:
    said = Transcripts([folder / "removed"])
    said.begin("a", kept=True)
    said.hear("a", b"ready\n", False)
    assert everything(said.get("a")) == [b"ready"]
    said.end("a")


def test_a_link_planted_in_its_place_is_not_followed(
    said: Transcripts, folder: Path, tmp_path: Path
) -> None:
    target = tmp_path / "precious"
    target.write_text("ready\n")
    (folder / "a.said").symlink_to(target)
    said.begin("a", kept=True)
    said.hear("a", b"more\n", False)
    assert everything(said.get("a")) == [b"more"]
    assert target.read_text() == "ready\n"
