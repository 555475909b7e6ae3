"""Each process is sorted once: ours, nobody's, or to be seen again."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.model.state.observed import Process, ProcessId
from reconciler.observed.processes.classify import Classified, classify
from reconciler.observed.processes.credibility import Credibility
from reconciler.observed.processes.identity import Witnesses
from reconciler.observed.processes.table import Group, Table
from tests.observed.conftest import Zoo, nobody


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    made = tmp_path / "proc"
    made.mkdir()
    return made


def _become(
    proc: Path, pid: int, *, start: int, session: int, tag: object = None, state: str = "S"
) -> None:
    (proc / str(pid)).mkdir(exist_ok=True)
    line = f"{pid} (a) b) {state} 1 {pid} {session} {'0 ' * 15}{start} 0"
    (proc / str(pid) / "stat").write_text(line)
    (proc / str(pid) / "status").write_text(f"Name:\ta\nUid:\t{os.getuid()}\t0\t0\t0\n")
    (proc / str(pid) / "environ").write_text(f"RECON_ID={tag}\0" if tag else "HOME=/\0")


def _survey(zoo: Zoo, proc: Path, table: Table | None = None) -> Classified:
    table = table or Table()
    fifos = (f"{zoo.root}/fifo",)
    credibility = Credibility(fifos, proc=str(proc))
    witnesses = Witnesses(zoo.store, fifos, nobody, table.session, credibility, str(proc))
    return classify(sorted(int(name) for name in os.listdir(proc)), table, witnesses)


def test_the_session_leader_that_started_first_comes_first(zoo: Zoo, proc: Path) -> None:
    tag = zoo.tag()
    _become(proc, 70001, start=50, session=1, tag=tag)  # earliest of all, yet leads nothing
    _become(proc, 70002, start=300, session=70002, tag=tag)
    _become(proc, 70003, start=200, session=70003, tag=tag)
    found = _survey(zoo, proc)
    assert [stat.pid for stat, _ in found.claimed[tag.nonce]] == [70003, 70002, 70001]


def test_the_dead_and_the_known_are_left_out(zoo: Zoo, proc: Path) -> None:
    tag, table = zoo.tag(), Table()
    _become(proc, 70001, start=50, session=70001, tag=tag)
    _become(proc, 70002, start=60, session=70002, tag=zoo.tag(), state="Z")
    table.add(Group(Process(tag, ProcessId(70001, 50), 0.5)))
    assert _survey(zoo, proc, table) == Classified({}, [], {}, [], [])


def test_a_known_pid_with_another_start_is_another_process(zoo: Zoo, proc: Path) -> None:
    table = Table()
    table.add(Group(Process(zoo.tag(), ProcessId(70001, 50), 0.5)))
    _become(proc, 70001, start=51, session=1)
    found = _survey(zoo, proc, table)
    assert found.reused == [70001] and [stat.pid for stat in found.nobodys] == [70001]


def test_one_in_the_middle_of_an_exec_is_to_be_seen_again(zoo: Zoo, proc: Path) -> None:
    _become(proc, 70001, start=50, session=70001)
    (proc / "70001/environ").write_bytes(b"")
    line = (proc / "70001/stat").read_text()
    starting = f"{line[:-1]}1000 10 20 0 {'0 ' * 30}"  # memory, and no code in it yet
    (proc / "70001/stat").write_text(starting)
    assert _survey(zoo, proc).starting == [70001]
    (proc / "70001/stat").write_text(starting.replace("10 20 0", "10 20 4096"))
    assert _survey(zoo, proc).starting == []
