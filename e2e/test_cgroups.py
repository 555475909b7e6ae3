"""cgroups: what an instance ever forked is found and ended; what the controllers enforce is told.

Membership, freeze and kill are real wherever cgroup v2 is mounted and ours. What needs a
controller (memory, cpu, pids) is skipped by its name where the kernel does not give it to us.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from e2e.harness import Recon, alive
from e2e.programs import SLEEP, python
from reconciler.model.host.facts import CgroupFacts
from reconciler.observed.host.cgroups import count, find
from tests.waiting import until

FACTS = find()

# Double-forks, leads a session of its own, has no environment, no output of ours, and ignores
# SIGTERM; all of it at once, before anybody can look.
ESCAPE = """
import os, sys, time
after = '''
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open(%r, "w").write(str(os.getpid()))
time.sleep(100000)
'''
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    null = os.open("/dev/null", os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.execve(sys.executable, [sys.executable, "-I", "-S", "-c", after], {})
os.wait()
time.sleep(100000)
"""


@pytest.fixture
def cgroups() -> CgroupFacts:
    if not FACTS.base:
        pytest.skip(f"no cgroup of ours here: {FACTS.why}")
    return FACTS


def needs(controller: str) -> None:
    if controller not in FACTS.controllers:
        pytest.skip(str(FACTS.why or FACTS.missing[controller]))


def cgroup_of(pid: int) -> str:
    lines = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
    return next(line[3:] for line in lines if line.startswith("0::"))


def directory_of(pid: int) -> str:
    return FACTS.base.rstrip("/") + cgroup_of(pid)[len(FACTS.path.rstrip("/")) :]


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.fixture
def escaped(recon: Recon, tmp_path: Path, cgroups: CgroupFacts) -> Iterator[int]:
    """Pid of what has escaped from the app `web`."""
    file = tmp_path / "escaped"
    recon.app(
        "web",
        python(ESCAPE % str(file)),
        terminationGracePeriodSeconds=1,
    )
    recon.run()
    recon.healthy("web")
    pid = int(until(lambda: file.exists() and file.read_text()) or 0)
    holds = os.pidfd_open(pid)
    try:
        assert Path(f"/proc/{pid}/environ").read_bytes() == b""
        assert os.getsid(pid) not in recon.pids("web").values()
        yield pid
    finally:
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(holds, signal.SIGKILL)
        os.close(holds)


def test_what_escaped_by_every_means_ends_with_its_instance(recon: Recon, escaped: int) -> None:
    main = recon.pids("web")["web-0"]
    directory = directory_of(main)
    assert directory_of(escaped) == directory and os.path.isdir(directory)
    recon.app("web", SLEEP, suspend=True, terminationGracePeriodSeconds=1)
    until(lambda: not alive(main) and not alive(escaped), what="both are gone")
    until(lambda: not os.path.exists(directory), what="its cgroup is removed")


def test_what_escaped_is_found_again_by_the_next_controller(recon: Recon, escaped: int) -> None:
    recon.kill_controller()
    recon.run()
    recon.healthy("web")
    assert alive(escaped)
    recon.cli("down")
    assert not alive(escaped), "it was ended with its instance"


def test_what_escaped_ends_when_its_instance_is_replaced(recon: Recon, escaped: int) -> None:
    main = recon.pids("web")["web-0"]
    recon.app("web", SLEEP, terminationGracePeriodSeconds=1)
    until(lambda: not alive(main), what="the edit replaces it")
    until(lambda: not alive(escaped), what="what it left behind is gone")


def test_an_instance_without_limits_joins_a_moment_later(
    recon: Recon, cgroups: CgroupFacts
) -> None:
    recon.app("web", python("import os, time\nos.fork()\ntime.sleep(100000)\n"), instances=3)
    recon.run()
    recon.healthy("web")

    def joined() -> bool:
        found = recon.pids("web")
        return len(found) == 3 and all(
            f"/web.{name[-1]}." in cgroup_of(pid)
            and {cgroup_of(child) for child in children(pid)} == {cgroup_of(pid)}
            for name, pid in found.items()
        )

    until(joined, what="they and their children are in their cgroups")
    mine = {directory_of(pid) for pid in recon.pids("web").values()}
    assert len(mine) == 3
    recon.cli("down")
    assert not [path for path in mine if os.path.exists(path)], "nothing is left behind"


def test_cgroups_of_an_earlier_controller_are_removed(recon: Recon, cgroups: CgroupFacts) -> None:
    recon.app("web", SLEEP, limits={"oomScoreAdjust": 500})
    recon.run()
    recon.healthy("web")
    pid = recon.pids("web")["web-0"]
    directory = directory_of(pid)
    recon.kill_controller()
    os.kill(pid, 9)
    until(lambda: not alive(pid))
    assert os.path.isdir(directory)
    recon.run()
    recon.healthy("web")
    until(lambda: not os.path.exists(directory), what="the empty one is removed")


# -- what takes a controller -------------------------------------------------------------------


def test_a_program_above_its_hard_limit_is_killed_and_that_is_told(recon: Recon) -> None:
    needs("memory")
    recon.app(
        "hog",
        python("hoard = []\nwhile True: hoard.append(bytearray(2**20))\n"),
        limits={"memoryHard": "48Mi"},
        restartPolicy="Never",
    )
    recon.run()
    told = "the kernel killed it: memory over 48Mi (limits.memoryHard)"
    until(lambda: told in recon.of("hog")["message"])
    assert " OOMKilled " in recon.cli("events", "hog")


def test_a_hard_limit_is_changed_in_place_but_never_below_what_is_in_use(recon: Recon) -> None:
    needs("memory")
    program = python("hoard = bytearray(b'x' * (40 * 2**20))\nimport time; time.sleep(100000)\n")
    recon.app("web", program, limits={"memoryHard": "200Mi"})
    recon.run()
    recon.healthy("web")
    pid = recon.pids("web")["web-0"]
    file = Path(directory_of(pid), "memory.max")
    assert file.read_text().strip() == str(200 * 2**20)
    recon.app("web", program, limits={"memoryHard": "100Mi"})
    until(lambda: file.read_text().strip() == str(100 * 2**20))
    recon.app("web", program, limits={"memoryHard": "8Mi"})
    until(lambda: "it uses more than that now" in str(recon.of("web")["drift"]))
    assert file.read_text().strip() == str(100 * 2**20)
    assert recon.pids("web")["web-0"] == pid


def test_a_program_gets_no_more_of_the_processor_than_declared(recon: Recon) -> None:
    needs("cpu")
    recon.app("busy", python("while True: pass\n"), limits={"cpu": "0.2"})
    recon.run()
    recon.healthy("busy")
    pid = recon.pids("busy")["busy-0"]
    directory = directory_of(pid)
    until(lambda: count(directory, "cpu.stat", "nr_throttled") > 5)
    used, began = count(directory, "cpu.stat", "usage_usec"), time.monotonic()
    until(lambda: time.monotonic() - began > 2)
    share = (count(directory, "cpu.stat", "usage_usec") - used) / (time.monotonic() - began) / 1e6
    assert share < 0.3, share
    recon.app("busy", python("while True: pass\n"), limits={"cpu": "0.5"})
    until(lambda: Path(directory, "cpu.max").read_text() == "50000 100000\n")
    assert recon.pids("busy")["busy-0"] == pid
    Path(directory, "cpu.max").write_text("max 100000")
    until(lambda: Path(directory, "cpu.max").read_text() == "50000 100000\n")


BOMB = (
    "import os, time\n"
    "count = 1\n"
    "while True:\n"
    "    try:\n"
    "        if os.fork() == 0: time.sleep(100000)\n"
    "        count += 1\n"
    "    except OSError as error:\n"
    "        print('refused', count, error.errno, flush=True)\n"
    "        time.sleep(0.5)\n"
)


def test_a_fork_bomb_stays_within_its_limit_and_that_is_told(recon: Recon) -> None:
    needs("pids")
    recon.app("bomb", python(BOMB), limits={"processes": 20}, terminationGracePeriodSeconds=1)
    recon.run()
    until(lambda: "refused 20 11" in recon.log("bomb"))
    pid = recon.pids("bomb")["bomb-0"]
    procs = Path(directory_of(pid), "cgroup.procs")
    pids = [int(word) for word in procs.read_text().split()]
    assert len(pids) == 20
    until(lambda: " ProcessLimitReached " in recon.cli("events", "bomb"))
    recon.cli("down")
    assert not [pid for pid in pids if alive(pid)], "all of them are gone"
