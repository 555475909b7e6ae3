"""An instance's cgroup: a copy of the layout for controllers, and real membership and kill."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.converge.cgroups.cgroup import Cgroups
from reconciler.converge.cgroups.join import Enroller
from reconciler.converge.process import stub
from reconciler.model.host.cgroup import directory_of, store_directory, tag_of
from reconciler.model.host.facts import CgroupFacts
from reconciler.model.state.observed import Tag
from reconciler.observed.host.cgroups import find
from reconciler.system import procfs
from tests.converge.conftest import MakeApp, SpawnApp, new_tag
from tests.waiting import until

FILES = "cgroup.subtree_control cgroup.procs memory.max memory.swap.max memory.oom.group cpu.max"


def fill(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name in [*FILES.split(), "pids.max"]:
        (folder / name).touch()


@pytest.fixture
def copy(tmp_path: Path) -> tuple[Cgroups, Tag, Path]:
    """A copy of the layout, with the files of one instance."""
    tag = new_tag()
    facts = CgroupFacts(str(tmp_path), None, frozenset({"memory", "cpu", "pids"}), path="/")
    folder = Path(directory_of(facts.base, tag))
    for one in (tmp_path, tmp_path / "recon", folder.parent, folder):
        fill(one)
    return Cgroups(facts, tag.store), tag, folder


def test_limits_are_written_as_the_kernel_reads_them(copy: tuple[Cgroups, Tag, Path]) -> None:
    cgroups, tag, folder = copy
    cgroups.limit(tag, "cpu", "1.5")
    cgroups.limit(tag, "processes", 64)
    cgroups.limit(tag, "memoryHard", 400 * 2**20)
    told = {name: (folder / name).read_text() for name in ("cpu.max", "pids.max", "memory.max")}
    assert told == {"cpu.max": "150000 100000", "pids.max": "64", "memory.max": str(400 * 2**20)}
    assert (folder / "memory.swap.max").read_text() == "0", "no swap: over the limit is over"
    assert (folder / "memory.oom.group").read_text() == "1"
    (folder / "memory.swap.max").write_text("")
    cgroups.limit(tag, "memoryHard", "max")
    assert (folder / "memory.max").read_text().startswith("max")
    assert (folder / "memory.swap.max").read_text() == "max"


def test_a_controller_is_enabled_from_the_top_downwards_when_it_is_first_needed(
    copy: tuple[Cgroups, Tag, Path], tmp_path: Path
) -> None:
    cgroups, tag, folder = copy
    way = [tmp_path, tmp_path / "recon", folder.parent]
    assert not any((one / "cgroup.subtree_control").read_text() for one in way)
    cgroups.limit(tag, "cpu", "1")
    assert [(one / "cgroup.subtree_control").read_text() for one in way] == ["+cpu"] * 3
    assert (folder / "cgroup.subtree_control").read_text() == ""


def test_no_limit_below_what_is_in_use_is_written(copy: tuple[Cgroups, Tag, Path]) -> None:
    cgroups, tag, folder = copy
    (folder / "memory.current").write_text("5000000\n")
    with pytest.raises(ValueError, match="`recon restart` starts it within the limit"):
        cgroups.limit(tag, "memoryHard", 4_999_168)
    assert (folder / "memory.max").read_text() == ""


def test_what_cannot_be_written_raises(copy: tuple[Cgroups, Tag, Path]) -> None:
    cgroups, tag, folder = copy
    (folder / "cpu.max").unlink()
    with pytest.raises(FileNotFoundError):
        cgroups.limit(tag, "cpu", "1")


def test_a_name_tells_whose_it_is_and_a_strangers_tells_nothing() -> None:
    tag = Tag("cafe", "my-app", 3, "abc.-", "n1")
    path = directory_of("/user.slice", tag)
    assert tag_of(path, "/user.slice", "cafe") == tag
    assert tag_of(f"{path}/below", "/user.slice", "cafe") == tag
    assert tag_of(directory_of("/", tag), "/", "cafe") == tag
    for base, store in (("/", "cafe"), ("/user.slice", "other"), ("/user", "cafe")):
        assert tag_of(path, base, store) is None
    assert tag_of(f"{store_directory('/', 'cafe')}/x", "/", "cafe") is None


# -- real cgroups ------------------------------------------------------------------------------


@pytest.fixture
def real() -> Iterator[tuple[Cgroups, Tag]]:
    facts = find()
    if not facts.base:
        pytest.skip(f"no cgroup of ours here: {facts.why}")
    tag = new_tag()._replace(store=f"test{os.getpid():x}{time.monotonic_ns() & 0xFFFF:x}")
    cgroups = Cgroups(facts, tag.store)
    yield cgroups, tag
    cgroups.kill(tag)
    until(lambda: cgroups.remove(tag), what="the cgroup is empty")
    cgroups.close()


def family(count: int = 3) -> subprocess.Popen[bytes]:
    """A process with children that ignore SIGTERM, in sessions of their own."""
    code = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "input()\n"
        f"for _ in range({count}):\n"
        "    if os.fork() == 0:\n"
        "        os.setsid(); break\n"
        "time.sleep(1000)\n"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)


@pytest.mark.parametrize("has_kill", [True, False])
def test_kill_ends_everything_that_was_ever_forked(
    real: tuple[Cgroups, Tag], has_kill: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    cgroups, tag = real
    if not has_kill:  # as before Linux 5.14: frozen, and signalled one by one
        write = procfs.write

        def without(path: str, text: str) -> None:
            if path.endswith("cgroup.kill"):
                raise FileNotFoundError(2, "no such file", path)
            write(path, text)

        monkeypatch.setattr(procfs, "write", without)
    parent = family()
    assert parent.stdin is not None
    cgroups.enter(tag, parent.pid)
    parent.stdin.write(b"\n")
    parent.stdin.close()
    until(lambda: len(cgroups.members(tag)) == 4, what="children are born into it")
    assert not cgroups.remove(tag), "there are processes in it"
    assert cgroups.kill(tag)
    assert parent.wait() == -9
    until(lambda: not cgroups.members(tag), what="all are gone")
    assert cgroups.remove(tag)
    assert not cgroups.kill(tag), "there is none any more"


def test_a_sweep_removes_what_is_empty_and_of_nobody_that_lives(
    real: tuple[Cgroups, Tag],
) -> None:
    cgroups, tag = real
    live, dead = tag, tag._replace(nonce="dead")
    for one in (live, dead):
        os.makedirs(cgroups.directory(one))
    cgroups.sweep({live.nonce})
    assert os.path.isdir(cgroups.directory(live))
    assert not os.path.exists(cgroups.directory(dead))


def test_cgroups_that_the_program_made_itself_go_too(real: tuple[Cgroups, Tag]) -> None:
    cgroups, tag = real
    os.makedirs(f"{cgroups.directory(tag)}/own/deeper")
    assert cgroups.remove(tag)
    assert not os.path.exists(cgroups.directory(tag))


@pytest.mark.parametrize(
    "number, plain",
    [(errno.ENOSYS, False), (errno.EPERM, False), (errno.E2BIG, True), (errno.EINVAL, True)],
)
def test_where_nothing_can_be_born_in_a_cgroup_it_joins_later(
    real: tuple[Cgroups, Tag],
    make_app: MakeApp,
    spawn_app: SpawnApp,
    forked_server: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    *,
    number: int,
    plain: bool,
) -> None:
    """A kernel or a sandbox without clone3 (ENOSYS, EPERM), or one that has it (``plain``) but not
    CLONE_INTO_CGROUP."""
    clone3 = stub._clone3

    def refuse(libc: ctypes.CDLL, flags: int, place: int) -> int:
        return clone3(libc, flags, place) if plain and not place else -number

    monkeypatch.setattr(stub, "_clone3", refuse)
    forked_server()
    cgroups, tag = real
    fd = cgroups.open(tag)
    try:
        spawned = spawn_app(make_app(["sleep", "600"]), tag=tag, cgroup=fd)
    finally:
        os.close(fd)
    pid = spawned.process.id.pid
    assert not spawned.in_cgroup and cgroups.members(tag) == []
    assert os.waitid(os.P_PIDFD, spawned.pidfd, os.WEXITED | os.WNOHANG) is None, "a child of ours"
    enrolling = Enroller(cgroups)
    enrolling.add(tag, spawned.process.id)
    enrolling.close()
    assert cgroups.members(tag) == [pid]
    assert cgroups.kill(tag)


def test_where_there_is_no_place_nothing_is_done() -> None:
    cgroups, tag = Cgroups(replace(find(), base=""), "s"), new_tag()
    assert not cgroups.possible
    assert cgroups.members(tag) == []
    assert not cgroups.kill(tag)
    assert cgroups.remove(tag)
    cgroups.sweep(set())
    cgroups.close()
