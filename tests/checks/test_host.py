"""Problems of a host: each rule at its bound."""

from __future__ import annotations

import pytest

from reconciler.checks.host import Needs, of_cgroups, of_disk, of_host, of_log_folder, of_state
from reconciler.model.host.facts import CgroupFacts
from reconciler.model.host.machine import Disk, Folder, Machine
from reconciler.model.state.finding import Finding, Level
from reconciler.model.words.sentence import Sentence

GIB = 2**30
GOOD = Machine(
    release="6.18.4-arch1",
    uid=1000,
    exits_reported=True,
    ptrace_scope=0,
    open_files=524_288,
    user_processes=63_000,
    pid_max=4_194_304,
    pipe_pages=16_384,
    memory=16 * GIB,
    cgroup_processes=None,
    open_ports=1024,
    clock_synchronised=True,
    clock=1.8e9,
    made=1.7e9,
    watches=65_536,
    can_watch=True,
)
ROOMY = Disk("/var/lib/recon", "ext4", 100 * GIB, 50 * GIB, 6_000_000, 5_000_000)


def levels(found: list[Finding], check: str) -> list[Level]:
    return [finding.level for finding in found if finding.check == check]


def test_a_good_host_has_nothing_amiss() -> None:
    found = [*of_host(GOOD, Needs(10, GIB)), *of_disk(ROOMY)]
    assert {finding.level for finding in found} == {Level.OK}
    assert not any(finding.remedy for finding in found)


@pytest.mark.parametrize(
    ("changes", "check", "level"),
    [
        ({"release": "5.4.0-200-generic"}, "kernel", Level.PROBLEM),
        ({"release": "5.10.0"}, "kernel", Level.OK),
        ({"release": "4.18"}, "kernel", Level.PROBLEM),
        ({"exits_reported": None}, "kernel", Level.PROBLEM),
        ({"exits_reported": False}, "kernel", Level.WARNING),
        ({"ptrace_scope": 1}, "kernel", Level.WARNING),
        ({"ptrace_scope": 1, "uid": 0}, "kernel", Level.OK),
        ({"open_files": 123}, "open-files", Level.PROBLEM),
        ({"open_files": 124}, "open-files", Level.OK),
        ({"open_files": -1}, "open-files", Level.OK),
        ({"user_processes": 19}, "processes", Level.PROBLEM),
        ({"user_processes": 20}, "processes", Level.OK),
        ({"user_processes": -1, "pid_max": 19}, "processes", Level.PROBLEM),
        ({"cgroup_processes": 19}, "processes", Level.PROBLEM),
        ({"cgroup_processes": 20}, "processes", Level.OK),
        ({"watches": 99}, "watches", Level.WARNING),
        ({"watches": 100}, "watches", Level.OK),
        ({"can_watch": False}, "watches", Level.WARNING),
        ({"clock": 1.7e9 - 86_401}, "clock", Level.PROBLEM),
        ({"clock": 1.7e9 - 86_399}, "clock", Level.OK),
        ({"clock": 0.0, "clock_synchronised": None}, "clock", Level.PROBLEM),
        ({"pipe_pages": 319}, "pipes", Level.WARNING),
        ({"memory": GIB - 1}, "memory", Level.WARNING),
        ({"memory": GIB}, "memory", Level.OK),
        ({"clock_synchronised": False}, "clock", Level.WARNING),
    ],
)
def test_what_is_amiss_is_told_with_a_remedy(
    changes: dict[str, object], check: str, level: Level
) -> None:
    found = [*of_host(GOOD._replace(**changes), Needs(10, GIB, 50))]  # type: ignore[arg-type]
    told = [finding for finding in found if finding.check == check]
    assert max(told, key=lambda one: [*Level].index(one.level)).level is level
    assert all(bool(one.remedy) is (one.level is not Level.OK) for one in told)


def test_what_cannot_be_told_is_not_guessed() -> None:
    unknown = GOOD._replace(
        clock_synchronised=None, pid_max=None, user_processes=-1, pipe_pages=None, watches=None
    )
    found = [*of_host(unknown, Needs(10))]
    assert {finding.check for finding in found} == {"kernel", "open-files"}


def test_limits_that_the_kernel_cannot_keep_are_told_beforehand() -> None:
    all_there = CgroupFacts("/sys/fs/cgroup", None, frozenset({"memory", "cpu", "pids"}), {}, True)
    assert levels([*of_cgroups(all_there)], "cgroups") == [Level.OK] * 3
    some = CgroupFacts(
        "/cg",
        None,
        frozenset({"pids"}),
        {"memory": Sentence("why"), "cpu": Sentence("because")},
        False,
    )
    found = [*of_cgroups(some)]
    assert [one.level for one in found] == [Level.WARNING, Level.WARNING, Level.OK, Level.WARNING]
    assert "limits.memoryHard" in found[0].message and found[0].remedy == "why"
    (found_none,) = of_cgroups(CgroupFacts(why=Sentence("no hierarchy", "mount one")))
    assert found_none.remedy == "no hierarchy; mount one"


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"free": GIB}, [Level.PROBLEM]),
        ({"free": 9 * GIB}, [Level.OK]),  # little of the disk, yet room enough
        ({"size": 15 * GIB, "free": GIB}, [Level.WARNING]),
        ({"free_inodes": 300_000}, [Level.OK, Level.WARNING]),
        ({"free_inodes": 3}, [Level.OK, Level.PROBLEM]),
        ({"inodes": 0, "free_inodes": 0}, [Level.OK]),
        ({"kind": "nfs4"}, [Level.PROBLEM, Level.OK]),
        ({"kind": "tmpfs"}, [Level.WARNING, Level.OK]),
    ],
)
def test_disks(changes: dict[str, object], expected: list[Level]) -> None:
    found = [*of_disk(ROOMY._replace(**changes))]  # type: ignore[arg-type]
    assert levels(found, "disk") == expected


@pytest.mark.parametrize(
    ("folder", "level", "word"),
    [
        (Folder("/s", False, writable=True), Level.OK, "will be created"),
        (Folder("/s", False, writable=False), Level.PROBLEM, "not writable"),
        (Folder("/s", True, 1000, 0o700), Level.OK, "writable only"),
        (Folder("/s", True, 1000, 0o750), Level.OK, "writable only"),
        (Folder("/s", True, 0, 0o777), Level.PROBLEM, "belongs to uid 0"),
        (Folder("/s", True, 1000, 0o770), Level.PROBLEM, "other users can write"),
    ],
)
def test_the_state_directory(folder: Folder, level: Level, word: str) -> None:
    found = of_state(folder, uid=1000)
    assert found.level is level and word in found.message


def test_folders_of_logs() -> None:
    there = Folder("/var/log/crm", True, 0, 0o755, True)
    full = ROOMY._replace(path="/var/log/crm", free=1024)
    assert [one.level for one in of_log_folder(there, None)] == [Level.OK]
    assert [one.level for one in of_log_folder(there, ROOMY)] == [Level.OK]
    (found,) = of_log_folder(there, full)
    assert (found.check, found.level) == ("logs", Level.PROBLEM) and "make room" in found.remedy
    (found,) = of_log_folder(there, ROOMY._replace(kind="nfs4"))
    assert found.level is Level.WARNING and "network file system (nfs4)" in found.message
    (found,) = of_log_folder(there._replace(writable=False), None)
    assert found.level is Level.PROBLEM and "cannot write logs in /var/log/crm" in found.message


def test_the_bound_that_holds_is_the_one_that_is_told() -> None:
    """Of ulimit, the kernel's and the cgroup's, the lowest: only its remedy helps."""
    bounds = {"user_processes": "-u", "pid_max": "kernel.pid_max", "cgroup_processes": "TasksMax"}
    for name, word in bounds.items():
        found = [*of_host(GOOD._replace(**{name: 3}), Needs(10))]  # type: ignore[arg-type]
        (told,) = [finding for finding in found if finding.check == "processes"]
        assert told.message.startswith("3 processes") and word in told.remedy
