"""Which cgroups are ours: each kind of host, in a copy of its layout, and the one we run on."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.observed.host import cgroups
from tests.observed.cgrouptree import CgroupTree

USER = "/user.slice/user-1000.slice/user@1000.service"


@pytest.fixture
def allowed(monkeypatch: pytest.MonkeyPatch) -> dict[str, bool]:
    """May each cgroup be written to? Root may everything, so a test has to say it."""
    said: dict[str, bool] = {}

    def may(directory: str) -> bool:
        return next((yes for end, yes in said.items() if directory.endswith(end)), True)

    monkeypatch.setattr(cgroups, "_may_write", may)
    return said


def test_root_on_a_host_has_the_root_of_the_hierarchy(tmp_path: Path) -> None:
    own = "/user.slice/user-0.slice/session-3.scope"
    tree = CgroupTree(tmp_path, own=own)
    tree.cgroup(own)
    facts = cgroups.find(str(tree.proc))
    assert facts.base == str(tree.top), "not a session, which may end at any time"
    assert {"cpu", "memory", "pids"} <= facts.controllers
    assert (facts.why, facts.missing) == (None, {})
    assert cgroups.is_root(facts.base)


def test_a_users_service_has_what_the_users_manager_was_given(
    tmp_path: Path, allowed: dict[str, bool]
) -> None:
    own = f"{USER}/app.slice/recon.service"
    tree = CgroupTree(tmp_path, own=own)
    for path in (USER, f"{USER}/app.slice", own):
        tree.cgroup(path, "memory pids")
    allowed |= {"user-1000.slice": False}
    facts = cgroups.find(str(tree.proc))
    assert facts.base == str(tree.top) + USER
    assert facts.controllers == {"memory", "pids"}
    assert "not delegated" in str(facts.missing["cpu"]) and "Delegate=yes" in str(
        facts.missing["cpu"]
    )
    assert not cgroups.is_root(facts.base)


def test_a_system_service_of_another_user_has_its_own(
    tmp_path: Path, allowed: dict[str, bool]
) -> None:
    tree = CgroupTree(tmp_path, own="/system.slice/recon.service")
    own = tree.cgroup("/system.slice/recon.service")
    allowed |= {"system.slice": False}
    assert cgroups.find(str(tree.proc)).base == str(own)


def test_a_delegated_subgroup_is_kept_to(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path, own="/system.slice/recon.service/controller")
    unit = tree.cgroup("/system.slice/recon.service")
    tree.cgroup("/system.slice/recon.service/controller")
    try:
        os.setxattr(unit, "user.delegate", b"1")
    except OSError:
        pytest.skip("this file system has no user.* attributes")
    assert cgroups.find(str(tree.proc)).base == str(unit)


def test_a_quota_is_the_smallest_of_all_above(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path, own="/system.slice/recon.service")
    own = tree.cgroup("/system.slice/recon.service")
    assert cgroups.cpu_quota(str(tree.proc)) is None
    (own / "cpu.max").write_text("max 100000\n")
    assert cgroups.cpu_quota(str(tree.proc)) is None
    (own.parent / "cpu.max").write_text("150000 100000\n")
    assert cgroups.cpu_quota(str(tree.proc)) == 1.5
    (own / "cpu.max").write_text("20000 10000\n")
    assert cgroups.cpu_quota(str(tree.proc)) == 1.5
    (own / "cpu.max").write_text("5000 10000\n")
    assert cgroups.cpu_quota(str(tree.proc)) == 0.5


def test_processes_are_bounded_by_the_smallest_of_all_above(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path, own="/docker/abc")
    own = tree.cgroup("/docker/abc")
    assert cgroups.most_processes(str(tree.proc)) is None
    (own / "pids.max").write_text("max\n")
    (own.parent / "pids.max").write_text("512\n")
    assert cgroups.most_processes(str(tree.proc)) == 512


def test_a_container_has_its_own_hierarchy(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path, own="/docker/abc", root="/docker/abc")
    assert cgroups.find(str(tree.proc)).base == str(tree.top)


def test_who_may_write_nowhere_is_told_what_would_help(
    tmp_path: Path, allowed: dict[str, bool]
) -> None:
    tree = CgroupTree(tmp_path, own="/user.slice")
    tree.cgroup("/user.slice")
    allowed |= {"": False}
    facts = cgroups.find(str(tree.proc))
    assert (facts.base, facts.controllers) == ("", frozenset())
    assert "run recon as root, or as a systemd service with Delegate=yes" in str(facts.why)


@pytest.mark.parametrize("options", ["ro", "ro,relatime"])
def test_a_read_only_container_is_told_so(tmp_path: Path, options: str) -> None:
    facts = cgroups.find(str(CgroupTree(tmp_path, options=options).proc))
    assert facts.base == "" and "mounted read-only" in str(facts.why)


def test_a_host_without_the_hierarchy_is_told_so(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path)
    tree.mounts("")
    assert "no cgroup v2 hierarchy is mounted" in str(cgroups.find(str(tree.proc)).why)


def test_a_cgroup_that_the_mount_does_not_show_is_not_ours(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path, own="/../other", root="/")
    assert cgroups.find(str(tree.proc)).base == ""


def test_controllers_of_v1_are_told_with_what_to_boot_with(tmp_path: Path) -> None:
    tree = CgroupTree(tmp_path)
    tree.v1("memory", "cpu", disabled="pids")
    tree.cgroup("", "cpuset")
    (tree.top / "cgroup.type").unlink()
    missing = cgroups.find(str(tree.proc)).missing
    assert "cgroup_no_v1=all" in str(missing["memory"]) and "cgroup_no_v1=all" in str(
        missing["cpu"]
    )
    assert "cgroup_enable=pids" in str(missing["pids"])


def test_this_machine_gives_an_answer_that_holds() -> None:
    facts = cgroups.find()
    assert bool(facts.base) is not bool(facts.why), "a place, or a reason"
    if not facts.base:
        pytest.skip(f"no cgroups here: {facts.why}")
    assert facts.controllers == set(Path(facts.base, "cgroup.controllers").read_text().split())
    made = Path(facts.base, f"recon-test-{os.getpid()}")
    made.mkdir()
    made.rmdir()
