"""States that no event tells of are seen by looking, and told only when they change."""

from __future__ import annotations

import shutil
import signal

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
