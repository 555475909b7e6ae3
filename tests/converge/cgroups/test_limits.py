"""Limits put in force on real processes: every thread, every child, and what the kernel refuses."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.converge.cgroups import limits
from reconciler.converge.cgroups.cgroup import Cgroups
from reconciler.model.host.facts import CgroupFacts
from reconciler.model.host.procstat import parse_stat
from reconciler.model.spec.limits import Value
from reconciler.model.state.observed import ProcessId
from tests.converge.conftest import new_tag
from tests.waiting import until

NONE = Cgroups(CgroupFacts(), "s")
TREE = (
    "import os, threading, time\n"
    "for _ in range(2):\n"
    "    threading.Thread(target=time.sleep, args=(1000,), daemon=True).start()\n"
    "if os.fork() == 0:\n"
    "    time.sleep(1000)\n"
    "print('up', flush=True)\n"
    "time.sleep(1000)\n"
)


def identity(pid: int) -> ProcessId:
    return ProcessId(pid, parse_stat(Path(f"/proc/{pid}/stat").read_bytes()).start)


def owner(name: str) -> int | None:
    """Of the process of this number; None where there is none."""
    try:
        return os.stat(f"/proc/{name}").st_uid if name.isdigit() else None
    except FileNotFoundError:
        return None


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def tree() -> Iterator[list[ProcessId]]:
    """A process with two more threads, and its child."""
    process = subprocess.Popen([sys.executable, "-c", TREE], stdout=subprocess.PIPE)
    assert process.stdout is not None and process.stdout.readline() == b"up\n"
    found = [process.pid, *children(process.pid)]
    yield [identity(pid) for pid in found]
    for pid in found:
        os.kill(pid, 9)
    process.wait()
    process.stdout.close()


def test_a_limit_goes_to_every_thread_of_every_process(tree: list[ProcessId]) -> None:
    values: dict[str, Value] = {
        "nice": 7,
        "cpuAffinity": "0",
        "ioPriority": "idle",
        "openFiles": 99,
    }
    assert limits.apply(new_tag(), lambda: tree, values, NONE) == {}
    main, child = tree
    threads = [int(name) for name in os.listdir(f"/proc/{main.pid}/task")]
    assert len(threads) == 3
    for tid in (*threads, child.pid):
        assert os.getpriority(os.PRIO_PROCESS, tid) == 7
        assert os.sched_getaffinity(tid) == {0}
        told = subprocess.run(
            ["ionice", "-p", str(tid)], capture_output=True, text=True, check=True
        )
        assert told.stdout.strip() == "idle"
    for id in tree:
        line = next(
            line
            for line in Path(f"/proc/{id.pid}/limits").read_text().splitlines()
            if line.startswith("Max open files")
        )
        assert line.split()[3:5] == ["99", "99"]


def test_what_is_forked_meanwhile_is_limited_too(tree: list[ProcessId]) -> None:
    looks: list[int] = []

    def members() -> list[ProcessId]:
        looks.append(len(looks))
        return tree[: len(looks)]

    assert limits.apply(new_tag(), members, {"nice": 6}, NONE) == {}
    assert os.getpriority(os.PRIO_PROCESS, tree[1].pid) == 6
    assert len(looks) == 3, "until a look finds nobody new"


def test_a_process_that_has_ended_needs_no_limit() -> None:
    child = subprocess.Popen(["true"])
    id = identity(child.pid)
    child.wait()
    values: dict[str, Value] = {"nice": 7, "cpuAffinity": "0", "openFiles": 99, "oomScoreAdjust": 5}
    assert limits.apply(new_tag(), lambda: [id], values, NONE) == {}


def test_what_the_kernel_refuses_is_told_with_what_would_help() -> None:
    """As an ordinary user, in a process of his own."""
    code = (
        "import os, subprocess, time\n"
        "from pathlib import Path\n"
        "from tests.converge.cgroups.test_limits import NONE, identity, new_tag\n"
        "from reconciler.converge.cgroups import limits\n"
        "if os.geteuid() == 0: os.setresuid(64321, 64321, 64321)\n"
        "child = subprocess.Popen(['sleep', '1000'])\n"
        "try:\n"
        "    id = identity(child.pid)\n"
        "    nice = os.nice(0)\n"  # of the tests themselves
        "    first = {'openFiles': 64, 'nice': nice + 5}\n"
        "    assert limits.apply(new_tag(), lambda: [id], first, NONE) == {}\n"
        "    then = {'openFiles': 128, 'nice': nice, 'oomScoreAdjust': -500, 'coreSize': 0}\n"
        "    for item in limits.apply(new_tag(), lambda: [id], then, NONE).items(): print(*item)\n"
        "finally:\n"
        "    child.kill(); child.wait()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    told = dict(line.split(" ", 1) for line in done.stdout.splitlines())
    assert told.keys() == {"openFiles", "nice", "oomScoreAdjust"}
    assert "needs CAP_SYS_RESOURCE; `recon restart`" in told["openFiles"]
    assert "needs CAP_SYS_NICE" in told["nice"]
    assert "needs CAP_SYS_RESOURCE" in told["oomScoreAdjust"]


def test_a_fork_bomb_of_an_ordinary_user_stays_within_its_limit() -> None:
    """RLIMIT_NPROC, where there is no pids controller: it counts the user's processes."""
    uid = 50_000 + os.getpid() % 10_000
    code = (
        "import os, subprocess, sys\n"
        "from reconciler.converge.cgroups import limits\n"
        "from reconciler.converge.process import spawn\n"
        "from reconciler.converge.isolation.user_account import Account\n"
        "from tests.converge.cgroups.test_limits import NONE, new_tag, owner\n"
        f"uid = {uid} if os.geteuid() == 0 else os.getuid()\n"
        "count = sum(owner(name) == uid for name in os.listdir('/proc'))\n"
        "most = count + 20\n"
        "def limit(id):\n"
        "    assert not limits.apply(new_tag(), lambda: [id], {'processes': most}, NONE)\n"
        "bomb = 'n=0; while :; do sleep 1000 & n=$((n+1)); echo $n; done'\n"
        "me = Account('x', '/', uid, os.getgid(), (), switch=os.geteuid() == 0)\n"
        "program = spawn.Program(('sh', '-c', bomb), '/', me, {'PATH': os.environ['PATH']})\n"
        "r, w = os.pipe()\n"
        "started = spawn.start(program, w, w, limit)\n"
        "os.close(w)\n"
        "ended = os.waitid(os.P_PIDFD, started.pidfd, os.WEXITED)\n"
        "os.killpg(started.id.pid, 9)\n"
        "print(open(r).read(), ended.si_status, flush=True)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    *numbers, said, status = [line for line in done.stdout.splitlines() if line.strip()]
    assert "ork" in said, "the shell says that it cannot fork"
    assert 0 < int(numbers[-1]) <= 20, done.stdout
    assert int(status) != 0
    if os.geteuid() == 0:
        until(lambda: uid not in map(owner, os.listdir("/proc")), what="nothing of it is left")


def test_another_users_process_takes_a_capability() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can start a process of another user")
    child = subprocess.Popen(["sleep", "1000"], user=64321, group=64321)
    try:
        told = limits.apply(new_tag(), lambda: [identity(child.pid)], {"openFiles": 64}, NONE)
        held = int(
            next(
                line.split()[1]
                for line in Path("/proc/self/status").read_text().splitlines()
                if line.startswith("CapEff")
            ),
            16,
        )
        if held >> 24 & 1:  # CAP_SYS_RESOURCE
            assert told == {}
        else:
            assert "CAP_SYS_RESOURCE" in told["openFiles"]
    finally:
        child.kill()
        child.wait()
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 64, "nothing of ours was changed"
