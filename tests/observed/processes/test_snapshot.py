"""Without a controller the same is seen, and nothing is held or changed."""

from __future__ import annotations

import os
import signal

from reconciler.model.state.observed import RunState
from reconciler.observed.processes.snapshot import snapshot
from reconciler.system import procfs
from tests.observed.conftest import Watched, Zoo, nobody
from tests.waiting import until


def test_the_same_as_a_host_sees_and_no_descriptor_held(zoo: Zoo, watched: Watched) -> None:
    ids = {zoo.start(zoo.tag("one")), zoo.start(zoo.tag("two"))}
    before = os.listdir("/proc/self/fd")
    seen = snapshot(zoo.store, zoo.root, nobody)
    assert os.listdir("/proc/self/fd") == before
    assert {process.id for process in seen.processes} == ids and seen.faults == ()
    watched.host.relist()
    watched.host.sample_states()
    assert set(seen.processes) == set(watched.host.processes())


def test_frozen_ones_and_faults_are_in_it(zoo: Zoo) -> None:
    id = zoo.start(zoo.tag("env"), fifo=zoo.fifo(zoo.tag("fifo")))
    zoo.kill(id, signal.SIGSTOP)
    until(lambda: (s := procfs.stat(id.pid)) and s.state == "T", what="SIGSTOP")
    seen = snapshot(zoo.store, zoo.root, nobody)
    assert [(p.tag.app, p.state) for p in seen.processes] == [("fifo", RunState.FROZEN)]
    assert len(seen.faults) == 1
