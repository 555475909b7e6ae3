"""A pidfd is had only of the very process that was meant."""

from __future__ import annotations

import os
import signal

from reconciler.model.state.observed import ProcessId
from reconciler.observed.processes import pidfds
from tests.observed.conftest import Zoo


def test_held_only_where_pid_and_start_agree(zoo: Zoo) -> None:
    id = zoo.start(None)
    assert pidfds.hold(ProcessId(id.pid, id.start + 1)) is None
    pidfd = pidfds.hold(id)
    assert pidfd is not None and not os.get_inheritable(pidfd)
    assert pidfds.send(pidfd, signal.SIGKILL)
    os.waitid(os.P_PIDFD, pidfd, os.WEXITED)
    assert not pidfds.send(pidfd, signal.SIGKILL)
    assert pidfds.hold(id) is None
    os.close(pidfd)


def test_refusals_leave_no_descriptor_open(zoo: Zoo) -> None:
    id = zoo.start(None)
    before = os.listdir("/proc/self/fd")
    pidfds.hold(ProcessId(id.pid, id.start + 1))
    pidfds.send_to(id, 0)
    assert os.listdir("/proc/self/fd") == before


def test_a_zombie_is_not_held(zoo: Zoo) -> None:
    id = zoo.start(None)
    zoo.kill(id)
    os.waitid(os.P_PID, id.pid, os.WEXITED | os.WNOWAIT)
    assert pidfds.hold(id) is None
