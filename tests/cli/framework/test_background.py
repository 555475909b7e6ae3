"""A controller that does not start is explained by the end of its log, however long that is."""

from __future__ import annotations

from pathlib import Path

from reconciler.cli.framework.background import _READ, _end_of


def test_only_the_end_of_a_huge_log_is_read(tmp_path: Path) -> None:
    log = tmp_path / "controller.log"
    with log.open("wb") as file:
        file.truncate(8 * 2**30)  # sparse: no machine holds this in memory twice
        file.seek(0, 2)
        file.write(b"\nthe port is in use: caf\xe9\nlast line\n")
    text = _end_of(log)
    assert len(text) <= _READ
    assert text.splitlines()[-2:] == ["the port is in use: caf\ufffd", "last line"]


def test_a_short_log_is_read_whole_and_an_empty_one_is_empty(tmp_path: Path) -> None:
    log = tmp_path / "controller.log"
    log.write_text("one\ntwo\n")
    assert _end_of(log) == "one\ntwo\n"
    log.write_text("")
    assert _end_of(log) == ""
