"""A program replaced on disk shows, however it was replaced; other changes do not."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from reconciler.model.state.observed import ProcessId
from reconciler.observed.processes.executable import Executable, examine
from reconciler.system import procfs
from tests.observed.conftest import Zoo
from tests.waiting import until


@pytest.fixture
def program(zoo: Zoo) -> Path:
    path = zoo.root / "program"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", path)
    return path


def _running(zoo: Zoo, program: Path) -> tuple[ProcessId, Executable]:
    id = zoo.start(None, command=[str(program), "600"])
    known, replaced = examine(id.pid, None)
    assert known is not None and known.path == str(program) and not replaced
    return id, known


def test_replaced_by_rename(zoo: Zoo, program: Path) -> None:
    id, known = _running(zoo, program)
    assert examine(id.pid, known) == (known, False)
    shutil.copy(program, zoo.root / "new")
    (zoo.root / "new").rename(program)
    assert examine(id.pid, known).replaced
    assert examine(id.pid, None).replaced


def test_removed(zoo: Zoo, program: Path) -> None:
    id, known = _running(zoo, program)
    program.unlink()
    assert examine(id.pid, known).replaced


def test_moved_away_and_another_put_in_its_place(zoo: Zoo, program: Path) -> None:
    id, known = _running(zoo, program)
    program.rename(zoo.root / "program.old")
    shutil.copy(zoo.root / "program.old", program)
    assert examine(id.pid, known) == (known, True)
    (zoo.root / "program.old").rename(program)
    assert examine(id.pid, known) == (known, False)


def test_a_process_that_runs_another_program_by_exec_was_not_replaced(
    zoo: Zoo, program: Path
) -> None:
    go = zoo.root / "go"
    go.write_text("")
    source = "import os, time\nwhile os.path.exists('go'): time.sleep(0.01)\n"
    id = zoo.start(None, source + "os.execv('program', ['program', '600'])")
    before = examine(id.pid, None).known
    go.unlink()
    until(lambda: procfs.link(id.pid, "exe") == str(program), what="exec")
    known, replaced = examine(id.pid, before)
    assert known is not None and known.path == str(program) and not replaced


def test_a_file_that_is_really_called_deleted_is_not(zoo: Zoo, program: Path) -> None:
    odd = zoo.root / "program (deleted)"
    program.rename(odd)
    id = zoo.start(None, command=[str(odd), "600"])
    assert not examine(id.pid, None).replaced


def test_a_process_that_is_gone_was_not_replaced(tmp_path: Path) -> None:
    assert examine(7, None, str(tmp_path)) == (None, False)
