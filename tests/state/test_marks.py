from __future__ import annotations

from pathlib import Path

from reconciler.state.marks import Marks


def test_a_note_is_there_for_the_next_controller_until_its_process_is_gone(tmp_path: Path) -> None:
    first = Marks(tmp_path)
    first.set("n1", "ready")
    first.set("n2", "output", '{"1": 2}')
    second = Marks(tmp_path)
    assert second.get("n1", "ready") == "" and second.get("n2", "output") == '{"1": 2}'
    second.sweep(live={"n2"})
    assert second.get("n1", "ready") is None and second.get("n2", "output") is not None
    second.forget("n2", ("ready", "output"))
    assert not list((tmp_path / "marks").iterdir())


def test_where_nothing_can_be_written_nothing_fails(tmp_path: Path) -> None:
    marks = Marks(tmp_path / "gone" / "deep")
    marks.set("n1", "ready")
    assert marks.get("n1", "ready") is None
    marks.sweep(live=())
