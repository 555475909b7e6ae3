"""What a host cannot honour is refused, with what would help; what it can is not."""

from __future__ import annotations

from typing import Any

from reconciler.checks.enforceable import unenforceable
from reconciler.model.host.facts import CgroupFacts, HostFacts, Rlimit
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.words.sentence import Sentence

ROOT, USER = HostFacts(uid=0), HostFacts(uid=1000)


def refusals(facts: HostFacts, **spec: Any) -> dict[str, str]:
    made = AppSpec.model_validate({"command": ["a"], **spec})
    return {path: str(why) for path, why in unenforceable(made, facts)}


def test_who_is_not_root_can_only_be_himself() -> None:
    found = refusals(USER, user="crm", group="crm")
    assert found.keys() == {"user", "group"}
    assert "start recon as root, or remove `user`" in found["user"]
    assert refusals(ROOT, user="crm", group="crm") == {}


def test_only_root_gives_files_to_others() -> None:
    sockets = [
        {"name": "a", "port": 80},
        {"name": "b", "path": "/run/b", "owner": "crm", "group": "web"},
    ]
    assert refusals(USER, sockets=sockets).keys() == {"sockets.1.owner", "sockets.1.group"}
    assert refusals(ROOT, sockets=sockets) == {}


def test_a_spec_that_asks_for_nothing_runs_anywhere() -> None:
    assert refusals(HostFacts(uid=1000)) == {}


def test_what_takes_privileges_away_needs_some() -> None:
    spec = {
        "supplementaryGroups": ["web"],
        "capabilities": {"drop": ["ALL"]},
        "readOnlyPaths": ["/etc"],
        "privateTmp": True,
    }
    able = HostFacts(uid=0, capabilities=frozenset({"SETGID", "SETPCAP", "SYS_ADMIN"}))
    assert refusals(able, **spec, noNewPrivileges=True) == {}
    assert refusals(USER, **spec, noNewPrivileges=True).keys() == spec.keys()
    assert "noNewPrivileges: true" in refusals(USER, **spec)["capabilities"]
    confined = HostFacts(uid=0, capabilities=frozenset({"SETGID", "SETPCAP"}))
    assert refusals(confined, **spec).keys() == {"readOnlyPaths", "privateTmp"}
    assert refusals(USER, capabilities={"drop": []}, privateTmp=False) == {}


CONTROLLED = CgroupFacts("/sys/fs/cgroup", None, frozenset({"memory", "cpu", "pids"}))
V1 = CgroupFacts(
    "/sys/fs/cgroup", None, frozenset(), {"memory": Sentence("bound to v1", "boot so")}
)
NO_CGROUPS = CgroupFacts(why=Sentence("no cgroup v2 is mounted", "mount one"))
CPUS = frozenset(range(4))


def limits(facts: HostFacts, spec: dict[str, Any] | None = None, **declared: Any) -> dict[str, str]:
    return refusals(facts, limits=declared, **(spec or {}))


def test_a_controller_that_is_not_ours_is_told_with_what_would_make_it_so() -> None:
    controlled = HostFacts(cgroups=CONTROLLED)
    assert limits(controlled, memoryHard="1Gi", cpu=1, processes=9) == {}
    found = limits(HostFacts(cgroups=V1), memoryHard="1Gi", cpu=1)
    assert found["limits.memoryHard"] == "cannot be enforced here: bound to v1; boot so"
    assert "no cpu controller" in found["limits.cpu"]
    found = limits(HostFacts(cgroups=NO_CGROUPS), memoryHard="1Gi")
    assert "no cgroup v2 is mounted; mount one" in found["limits.memoryHard"]


def test_processes_are_counted_by_user_only_where_that_is_the_instance() -> None:
    root = HostFacts(cgroups=NO_CGROUPS, capabilities=frozenset({"SYS_RESOURCE"}))
    assert "or set `user`" in limits(root, processes=9)["limits.processes"]
    assert limits(root, {"user": "crm"}, processes=9) == {}
    two = limits(root, {"user": "crm", "instances": 2}, processes=9)
    assert "or write instances: 1" in two["limits.processes"]
    assert limits(HostFacts(uid=1000, cgroups=NO_CGROUPS), processes=9) == {}


def test_another_users_process_is_limited_by_who_has_the_capability() -> None:
    bare = HostFacts(cpus=CPUS, most_files=1000)
    asked: dict[str, Any] = {
        "openFiles": 10,
        "coreSize": 0,
        "nice": 1,
        "cpuAffinity": "0",
        "ioPriority": "idle",
    }
    assert limits(bare, **asked) == {}
    found = limits(bare, {"user": "crm"}, **asked)
    assert found.keys() == {f"limits.{field}" for field in asked}
    assert "--cap-add SYS_RESOURCE" in found["limits.openFiles"]
    assert "--cap-add SYS_NICE" in found["limits.nice"]
    able = HostFacts(cpus=CPUS, capabilities=frozenset({"SYS_RESOURCE", "SYS_NICE"}))
    assert limits(able, {"user": "crm"}, **asked) == {}


def test_hard_limits_are_raised_by_who_may() -> None:
    bare = HostFacts(rlimits={"openFiles": Rlimit(10, 100), "coreSize": Rlimit(0, 4096)})
    assert limits(bare, openFiles=100, coreSize=4096) == {}
    found = limits(bare, openFiles=101, coreSize="unlimited")
    assert "LimitNOFILE=" in found["limits.openFiles"]
    assert "LimitCORE=" in found["limits.coreSize"]
    able = HostFacts(rlimits=bare.rlimits, capabilities=frozenset({"SYS_RESOURCE"}))
    assert limits(able, openFiles=101, coreSize="unlimited") == {}
    assert "fs.nr_open" in limits(able, openFiles=2**30)["limits.openFiles"]


def test_precedence_is_given_by_who_may() -> None:
    bare = HostFacts(uid=1000, nice=0, nice_floor=0, oom_score_adjust=100, cpus=CPUS)
    assert limits(bare, nice=0, oomScoreAdjust=100, ioPriority="best-effort:0") == {}
    found = limits(bare, nice=-1, oomScoreAdjust=99, ioPriority="realtime:4", cpuAffinity="2-5")
    assert "LimitNICE=-1" in found["limits.nice"]
    assert "OOMScoreAdjust=99" in found["limits.oomScoreAdjust"]
    assert "best-effort:0" in found["limits.ioPriority"]
    assert found["limits.cpuAffinity"].startswith("processor 4-5 does not exist here")


def test_more_instances_than_the_host_can_hold_are_refused() -> None:
    small = HostFacts(memory=8 << 30, most_processes=32_768)
    assert refusals(small, instances=1000) == {}
    assert "32,768 processes are allowed" in refusals(small, instances=99_999)["instances"]
    assert "8,192 MiB" in refusals(small, instances=9000)["instances"]
    few = HostFacts(rlimits={"openFiles": Rlimit(1024, 4096)})
    assert "write at most 1,365" in refusals(few, instances=1500)["instances"]
    assert refusals(few, instances=1500, suspend=True) == {}, "it takes nothing"
    assert refusals(HostFacts(), instances=99_999) == {}, "nothing is known of the host"
    unlimited = HostFacts(rlimits={"openFiles": Rlimit(1024, -1)})
    assert refusals(unlimited, instances=99_999) == {}
