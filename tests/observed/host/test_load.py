"""What apps use, and what the host has left, is the kernel's own word."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.model.host.facts import UNLIMITED, HostFacts, Rlimit
from reconciler.model.host.load import Room, Use
from reconciler.model.state.observed import Process, ProcessId
from reconciler.observed.host import cgroups
from reconciler.observed.host.facts import gather
from reconciler.observed.host.load import SETTLED, room, use_of, uses
from reconciler.system.clock import boot_now
from tests.observed.cgrouptree import CgroupTree
from tests.observed.conftest import Zoo
from tests.waiting import until

MI = 2**20
BIG = """
import os, threading, time
held = bytearray(64 << 20)
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
if os.fork() == 0:
    time.sleep(600)
open('ready', 'w').close()
time.sleep(600)
"""


def _instance(zoo: Zoo, code: str) -> Process:
    tag = zoo.tag()
    id = zoo.start(tag, code)
    until((zoo.root / "ready").exists, what="the memory to be taken")
    return Process(tag, id, boot_now())


def test_an_instance_takes_its_own_memory_and_threads_once(zoo: Zoo) -> None:
    one = _instance(zoo, BIG)
    young = use_of([one], boot_now())
    assert (young.settled, young.young, young.memory) == (0, 1, 0)
    assert 64 * MI < young.young_memory < 100 * MI and young.young_tasks == 2
    old = use_of([one, one], boot_now() + SETTLED)
    assert (old.settled, old.young, old.tasks) == (2, 0, 2)
    assert 64 * MI < old.memory < 100 * MI, "on average"


def test_what_has_ended_weighs_nothing(zoo: Zoo) -> None:
    id = ProcessId(2**22, 1)
    assert use_of([Process(zoo.tag(), id, 0.0)], boot_now()) == Use(settled=1)


def test_apps_that_lack_nothing_are_not_looked_at(zoo: Zoo, tmp_path: Path) -> None:
    gone = [Process(zoo.tag(), ProcessId(2**22, 1), 0.0)]
    name = gone[0].tag.app
    nowhere = str(tmp_path)
    assert uses(gone, {name: 1}, boot_now(), nowhere) == {name: Use(1)}
    assert uses(gone, {}, boot_now(), nowhere) == {name: Use(1)}, "declared no more"


def test_this_host_has_some_of_everything_left() -> None:
    found = room(gather(), 0)
    assert found.memory is not None and found.memory > 0
    assert found.processes is not None and found.processes > 0


@pytest.fixture
def tree(tmp_path: Path) -> CgroupTree:
    """A host with 20 of 32 MiB and 1,000 tasks, in a container."""
    tree = CgroupTree(tmp_path, own="/docker/abc")
    tree.cgroup("/docker/abc")
    proc = tree.proc
    (proc / "meminfo").write_text(
        "MemTotal: 32768 kB\nMemAvailable:   20480 kB\nSwapFree: 1024 kB\nHugePages_Free: 0\n"
    )
    (proc / "loadavg").write_text("0.27 0.52 1.02 2/1000 23505\n")
    (proc / "sys/kernel").mkdir(parents=True)
    (proc / "sys/kernel/pid_max").write_text("4096\n")
    return tree


def _facts(uid: int = 0, processes: int = UNLIMITED, files: int = UNLIMITED) -> HostFacts:
    limits = {"processes": Rlimit(processes, processes), "openFiles": Rlimit(64, files)}
    return HostFacts(uid=uid, rlimits=limits)


def test_free_swap_is_room_and_an_unlimited_number_is_no_bound(tree: CgroupTree) -> None:
    proc = str(tree.proc)
    assert room(_facts(), 10, proc) == Room(21 * MI, 3096, None)
    assert room(_facts(processes=500, files=999), 10, proc) == Room(21 * MI, 3096, 999), "root"
    assert room(_facts(1000, 500), 10, proc) == Room(21 * MI, 490, None)
    assert room(_facts(1000, 5), 10, proc).processes == 0


def test_the_smallest_room_of_all_cgroups_above_counts(tree: CgroupTree) -> None:
    proc, own = str(tree.proc), tree.top / "docker/abc"
    for folder, most, now in ((own, "max", 5), (own.parent, f"{16 * MI}", 12 * MI)):
        (folder / "memory.max").write_text(f"{most}\n")
        (folder / "memory.current").write_text(f"{now}\n")
    (own.parent / "memory.stat").write_text(f"anon 1\ninactive_file {3 * MI}\n")
    (own / "pids.max").write_text("100\n")
    (own / "pids.current").write_text("88\n")
    assert room(_facts(), 0, proc) == Room(7 * MI, 12, None)
    (own.parent / "memory.current").write_text(f"{40 * MI}\n")
    assert cgroups.free_memory(proc) == 0


def test_where_the_kernel_tells_nothing_nothing_is_bounded(tmp_path: Path) -> None:
    assert room(HostFacts(), 0, str(tmp_path)) == Room()
