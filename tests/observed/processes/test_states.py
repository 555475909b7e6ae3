"""States that no event tells of are seen by looking, and told only when they change."""

from __future__ import annotations

import shutil
import signal
from dataclasses import replace

import pytest

from reconciler.model.state.observed import Process, ProcessId, RunState
from reconciler.observed.processes.states import look
from reconciler.observed.processes.table import Group
from reconciler.system import procfs
from tests.observed.conftest import Zoo
from tests.waiting import until


def test_a_replaced_program_shows_once_as_a_change(zoo: Zoo) -> None:
    program = zoo.root / "program"
    shutil.copy(shutil.which("sleep") or "/bin/sleep", program)
    tag = zoo.tag()
    group = Group(Process(tag, zoo.start(tag, command=[str(program), "600"]), 0.0))
    assert look(group) == {}
    program.unlink()
    assert look(group) == {"binary_replaced": True}


def test_frozen_shows_but_not_while_it_is_being_stopped(zoo: Zoo) -> None:
    tag = zoo.tag()
    id = zoo.start(tag)
    zoo.kill(id, signal.SIGSTOP)
    until(lambda: (s := procfs.stat(id.pid)) and s.state == "T", what="SIGSTOP")
    assert look(Group(Process(tag, id, 0.0))) == {"state": RunState.FROZEN}
    assert look(Group(Process(tag, id, 0.0, state=RunState.STOPPING))) == {}


def test_another_process_of_the_same_pid_says_nothing_of_it(zoo: Zoo) -> None:
    tag = zoo.tag()
    id = zoo.start(tag)
    zoo.kill(id, signal.SIGSTOP)
    assert look(Group(Process(tag, ProcessId(id.pid, id.start - 1), 0.0))) == {}


def test_one_that_does_nothing_is_sampled_without_being_read_again(
    zoo: Zoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    tag = zoo.tag()
    group = Group(Process(tag, zoo.start(tag, command=["sleep", "600"]), 0.0))
    until(lambda: not look(group) and _rests(group), what="a process that sleeps")
    before = group.used
    assert before is not None
    monkeypatch.setattr(procfs, "parsed", _not_called)
    assert look(group) == {}
    after = group.used
    assert after is not None
    assert after.at > before.at and after.uptime > before.uptime and after.cpu == 0.0
    assert (after.rss, after.cpu_seconds, after.each) == (
        before.rss,
        before.cpu_seconds,
        before.each,
    )


def test_one_that_rested_is_seen_frozen_and_going_on(zoo: Zoo) -> None:
    tag = zoo.tag()
    id = zoo.start(tag, command=["sleep", "600"])
    group = Group(Process(tag, id, 0.0))
    until(lambda: not look(group) and _rests(group), what="a process that sleeps")
    zoo.kill(id, signal.SIGSTOP)
    until(lambda: look(group) == {"state": RunState.FROZEN}, what="SIGSTOP")
    zoo.kill(id, signal.SIGCONT)
    group.process = replace(group.process, state=RunState.FROZEN)
    until(lambda: look(group) == {"state": RunState.RUNNING}, what="SIGCONT")


def _rests(group: Group) -> bool:
    """Whether its line is what it was at the last look, and stays so."""
    line = procfs.stat_line(group.process.id.pid)
    found = procfs.parsed(line)
    return hash(line) == group.line and found is not None and found.state == "S"


def _not_called(line: bytes) -> None:
    raise AssertionError("a line that is the same is not read again")
