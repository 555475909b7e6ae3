"""The limits of a live process, against the tools that set them."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from reconciler.model.host.cgroup import directory_of
from reconciler.model.host.facts import CgroupFacts, Rlimit
from reconciler.model.spec.limits import Limits, Value
from reconciler.model.state.observed import Process, ProcessId
from reconciler.observed.host import limits
from reconciler.observed.host.cgroups import find
from reconciler.observed.host.facts import gather
from tests.observed.conftest import Zoo

NONE = CgroupFacts()
FIELDS = ("openFiles", "coreSize", "nice", "oomScoreAdjust", "cpuAffinity", "ioPriority")
SET = """
import os, resource, time
resource.setrlimit(resource.RLIMIT_NOFILE, (100, 200))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
os.nice(3)
os.sched_setaffinity(0, {0})
open('/proc/self/oom_score_adj', 'w').write('77')
print('set', flush=True)
time.sleep(600)
"""


@pytest.fixture
def process(zoo: Zoo) -> Process:
    tag = zoo.tag()
    return Process(tag, zoo.start(tag, SET), 0.0)


def test_each_value_is_what_was_set(process: Process) -> None:
    from tests.waiting import until

    def read() -> dict[str, Value]:
        return limits.read(process, FIELDS, NONE)

    until(lambda: read().get("oomScoreAdjust") == 77, what="the program has set them")
    assert read() == {
        "openFiles": "100:200",
        "coreSize": 0,
        "nice": 3 + os.getpriority(os.PRIO_PROCESS, 0),
        "oomScoreAdjust": 77,
        "cpuAffinity": "0",
        "ioPriority": "none",
    }
    soft, hard = resource.prlimit(process.id.pid, resource.RLIMIT_NPROC)
    told = limits.read(process, ("processes",), NONE)["processes"]
    same = hard if soft == hard else f"{soft}:{hard}"
    assert told in (same, "max")


def test_a_process_that_is_gone_has_none(process: Process) -> None:
    other = Process(process.tag, ProcessId(process.id.pid, process.id.start + 1), 0.0)
    assert limits.read(other, FIELDS, NONE) == {}


def test_what_recon_itself_has_is_what_its_children_inherit(zoo: Zoo) -> None:
    facts = gather()
    fields = [field.alias or name for name, field in Limits.model_fields.items()]
    inherited = limits.of_controller(facts, fields)
    tag = zoo.tag()
    child = Process(tag, zoo.start(tag), 0.0)
    own = {**inherited}
    for field in ("memoryHard", "cpu"):
        own.pop(field, None)
    assert limits.read(child, own, facts.cgroups) == own
    assert facts.rlimits["openFiles"] == Rlimit(*resource.getrlimit(resource.RLIMIT_NOFILE))


def test_controllers_files_are_read_as_they_are_written(
    tmp_path: Path, process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of the layout: what is in force is what the kernel's files say."""
    facts = CgroupFacts(str(tmp_path), None, frozenset({"memory", "cpu", "pids"}), path="/")
    folder = Path(directory_of(facts.base, process.tag))
    folder.mkdir(parents=True)
    fields = ("memoryHard", "cpu", "processes")
    outside = dict.fromkeys(fields, "max")
    assert limits.read(process, fields, facts) == outside, "it is not in its cgroup"
    monkeypatch.setattr(limits, "is_inside", lambda *_: True)
    for name, text in (("memory.max", "max"), ("cpu.max", "max 100000"), ("pids.max", "max")):
        (folder / name).write_text(f"{text}\n")
    assert limits.read(process, fields, facts) == outside
    for name, text in (("memory.max", "4096"), ("cpu.max", "75000 50000"), ("pids.max", "9")):
        (folder / name).write_text(f"{text}\n")
    assert limits.read(process, fields, facts) == {"memoryHard": 4096, "cpu": "1.5", "processes": 9}


def test_a_process_outside_its_cgroup_is_seen_to_be(process: Process) -> None:
    facts = find()
    if not facts.base:
        pytest.skip(f"no cgroup of ours here: {facts.why}")
    assert not limits.is_inside(process.id.pid, process.tag, facts)
    folder = Path(directory_of(facts.base, process.tag))
    folder.mkdir(parents=True)
    try:
        (folder / "cgroup.procs").write_text(str(process.id.pid))
        assert limits.is_inside(process.id.pid, process.tag, facts)
    finally:
        Path(facts.base, "cgroup.procs").write_text(str(process.id.pid))
        folder.rmdir()
        folder.parent.rmdir()
