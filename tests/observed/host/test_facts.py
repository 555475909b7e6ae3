"""Facts of this process, against what else tells of them."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.model.host.facts import HostFacts, Rlimit, from_document, to_document
from reconciler.observed.host.facts import gather
from tests.observed.cgrouptree import CgroupTree


def test_facts_are_those_of_this_process() -> None:
    facts = gather()
    assert facts.uid == os.geteuid()
    assert facts.nice == os.getpriority(os.PRIO_PROCESS, 0)
    assert facts.rlimits["openFiles"] == Rlimit(*resource.getrlimit(resource.RLIMIT_NOFILE))
    assert facts.most_files >= facts.rlimits["openFiles"].soft
    if facts.may("SYS_NICE"):
        assert facts.nice_floor == -20


def test_processors_are_those_of_the_host_not_those_we_are_bound_to() -> None:
    every = gather().cpus
    assert set(os.sched_getaffinity(0)) <= every
    bound = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from reconciler.observed.host.facts import gather;"
        "print(sorted(gather().cpus)); print(len(os.sched_getaffinity(0)))"
    )
    told = subprocess.run([sys.executable, "-c", bound], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines() == [str(sorted(every)), "1"]


def test_cores_are_those_we_may_use(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path, own="/box")
    box = tree.cgroup("/box")
    bound = len(os.sched_getaffinity(0))
    for quota, cores in (("max", bound), (f"{bound * 200_000}", bound), ("1", 1), ("100001", 2)):
        (box / "cpu.max").write_text(f"{quota} 100000\n")
        assert gather(str(tree.proc)).cores == min(bound, cores)


def test_capabilities_are_those_that_the_kernel_tells() -> None:
    script = (
        "import ctypes; from reconciler.observed.host.facts import gather;"
        "before = gather().capabilities; import os;"
        "os.geteuid() == 0 and os.setresuid(65534, 65534, 65534);"
        "print(gather().capabilities, len(before))"
    )
    told = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    assert told.startswith("frozenset() "), "who is nobody may nothing"
    assert (int(told.split()[-1]) > 0) is (os.geteuid() == 0)


def test_facts_pass_through_the_api_unchanged() -> None:
    facts = gather()
    assert from_document(json.loads(json.dumps(to_document(facts)))) == facts


def test_what_a_newer_controller_adds_hides_nothing_of_what_this_release_knows() -> None:
    facts = HostFacts(uid=7, rlimits={"openFiles": Rlimit(1, 2)})
    document = to_document(facts)
    document["cgroups"]["added"] = document["added"] = {"later": True}
    assert from_document(json.loads(json.dumps(document))) == facts
    with pytest.raises(ValueError, match="uid"):
        from_document({"uid": "root"})
