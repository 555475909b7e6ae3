"""No process can hold recon up by what it says to be its environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.model.state.observed import Process, ProcessId, Tag
from reconciler.observed.processes import environs
from reconciler.observed.processes.credibility import Credibility
from reconciler.observed.processes.environs import Environs
from reconciler.observed.processes.host import Host
from reconciler.system import procfs
from tests.observed.conftest import Zoo, nobody
from tests.observed.hostile import HUGE, RESTLESS
from tests.waiting import until

USER, STRANGER = 43210, 54321
_AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can start processes of others")


def _start(zoo: Zoo, source: str, uid: int, tag: Tag | None = None) -> ProcessId:
    """The program as this user, with the tag's FIFO as its output; skipped where it cannot be."""
    told = zoo.root / f"told-{len(os.listdir(zoo.root))}"
    told.touch()
    begin = (
        f"import ctypes, os, struct, sys, threading, time; told = open({str(told)!r}, 'w')\n"
        "os.setresuid(*[int(sys.argv[1])] * 3)\n"
        "ctypes.CDLL(None).prctl(4, 1)  # its own /proc is its own again\n"
        "print = lambda text, **_: (told.write(text), told.flush())\n"
    )
    wrapped = begin + source
    output = zoo.fifo(tag) if tag is not None else None
    told.chmod(0o666)
    id = zoo.start(tag, command=[sys.executable, "-c", wrapped, str(uid)], fifo=output)
    said = until(told.read_text, what="the program to be ready")
    if said.strip() != "done":
        pytest.skip(f"this kernel refuses what the hostile program does: {said.strip()}")
    return id


class Reads:
    """Counts the bytes that are read, and from whom."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.bytes = 0
        self.pids: list[int] = []
        read, environment = os.read, procfs.environment

        def counted(fd: int, size: int) -> bytes:
            block = read(fd, size)
            self.bytes += len(block)
            return block

        def noted(pid: int, most: int, proc: str = procfs.PROC) -> bytes:
            self.pids.append(pid)
            return environment(pid, most, proc)

        patch.setattr(os, "read", counted)
        patch.setattr(procfs, "environment", noted)


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reads]:
    yield Reads(monkeypatch)


def _host(zoo: Zoo, journal: dict[ProcessId, Tag] | None = None) -> Host:
    host = Host(zoo.store, zoo.root, None, journal=(journal or {}).get)
    host.trust([USER])
    return host


def _found(host: Host) -> dict[ProcessId, Process]:
    host.relist(full=True)
    return {process.id: process for process in host.processes()}


@_AS_ROOT
def test_two_gibibytes_of_environment_are_not_read(zoo: Zoo, reads: Reads) -> None:
    before = zoo.tag("before")
    ids = {_start(zoo, HUGE, uid): uid for uid in (0, USER, STRANGER)}
    other = zoo.start(before)
    host = _host(zoo)
    reads.bytes = 0
    assert [*_found(host)] == [other]
    mine = 3 * 2 * procfs.BLOCK
    assert reads.bytes < mine + 10_000 * (len(procfs.pids()) + 5) and len(ids) == 3


@_AS_ROOT
def test_it_is_known_by_the_other_witnesses(zoo: Zoo) -> None:
    by_output, by_journal = zoo.tag("output"), zoo.tag("journal")
    first = _start(zoo, HUGE, USER, by_output)
    second = _start(zoo, HUGE, USER)
    found = _found(_host(zoo, {second: by_journal}))
    assert {id: process.tag for id, process in found.items()} == {
        first: by_output,
        second: by_journal,
    }


@_AS_ROOT
def test_what_changes_all_the_time_is_no_error(zoo: Zoo) -> None:
    tag = zoo.tag()
    id = _start(zoo, RESTLESS, USER, tag)
    host = _host(zoo)
    for _ in range(50):
        assert _found(host)[id].tag == tag
    assert host.faults == ()


@_AS_ROOT
def test_the_memory_of_somebody_as_whom_no_app_runs_is_not_touched(zoo: Zoo, reads: Reads) -> None:
    stranger = zoo.start(zoo.tag(), command=["setpriv", f"--reuid={STRANGER}", "sleep", "600"])
    until(lambda: procfs.real_uid(stranger.pid) == STRANGER)
    host = Host(zoo.store, zoo.root, None, journal=nobody)
    reads.pids.clear()
    assert _found(host) == {} and stranger.pid not in reads.pids
    assert host.trust([STRANGER]), "now an app runs as this user, so all are looked at again"
    host.relist(full=True)
    assert stranger.pid in reads.pids


def _proc(tmp_path: Path, pids: range, size: int) -> str:
    """A /proc whose processes say that they have so much environment: sparse files."""
    line = "%d (x) S " + "1 " * 19 + "1000 10 20 4096 " + "0 " * 23 + f"0 {size} 0"
    for pid in pids:
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "stat").write_text(line % pid)
        (tmp_path / str(pid) / "status").write_text(f"Name:\tx\nUid:\t{os.getuid()}\t0\t0\t0\n")
        (tmp_path / str(pid) / "environ").touch()
        os.truncate(tmp_path / str(pid) / "environ", size)
    return str(tmp_path)


def test_a_process_whose_memory_is_locked_for_ever_holds_nobody_up(tmp_path: Path) -> None:
    """Who reads what a FUSE server never answers keeps the lock of its memory (seen on 6.18)."""
    pids = range(70_001, 70_021)
    proc = _proc(tmp_path, pids, 0)
    for pid in pids:
        (tmp_path / str(pid) / "status").write_text(f"Name:\tx\nUid:\t{USER}\t0\t0\t0\n")
    (tmp_path / "70020/environ").write_bytes(b"RECON_ID=s/a/0/h/n\0")
    locked = [tmp_path / str(pid) / "environ" for pid in pids[:-1]]
    for path in locked[:1]:
        path.unlink()
        os.mkfifo(path)  # open(2) waits for a writer
    credibility = Credibility(("/nowhere",), proc=proc)
    credibility.trust([USER])
    tested = Environs(b"RECON_ID=s/", credibility, proc)
    try:
        found = tested.read(pids)
        assert {*found} == {*pids} and found[70020].values == (b"a/0/h/n",)
    finally:
        os.close(os.open(locked[0], os.O_RDWR))


def test_however_many_there_are_what_is_read_is_bounded(tmp_path: Path, reads: Reads) -> None:
    pids = range(70_001, 70_101)
    proc = _proc(tmp_path, pids, 5 << 20)
    tested = Environs(b"RECON_ID=s/", Credibility(("/nowhere",), proc=proc), proc)
    assert {*tested.read(pids)} == {*pids}
    assert reads.bytes < environs._AT_ONCE + 100 * (procfs.BLOCK + 10_000)


@pytest.mark.parametrize("before", [0, 100_000, 300_000, 3 << 20])
def test_a_tag_behind_a_very_large_environment_is_found(tmp_path: Path, before: int) -> None:
    text = b"X=" + b"x" * before + b"\0RECON_ID=s/a/0/h/n\0"
    proc = _proc(tmp_path, range(7, 8), len(text))
    (tmp_path / "7/environ").write_bytes(text)
    tested = Environs(b"RECON_ID=s/", Credibility(("/nowhere",), proc=proc), proc)
    assert tested.read([7])[7].values == (b"a/0/h/n",)


def test_a_tag_that_is_cut_by_the_bound_is_none(tmp_path: Path) -> None:
    text = b"X=".ljust(procfs.BLOCK - 20, b"x") + b"\0RECON_ID=s/a/0/h/nonce\0"
    proc = _proc(tmp_path, range(7, 8), 7 << 20)  # more than there can be
    (tmp_path / "7/environ").write_bytes(text.ljust(procfs.BLOCK + 1, b"\0"))
    tested = Environs(b"RECON_ID=s/", Credibility(("/nowhere",), proc=proc), proc)
    assert tested.read([7])[7].values == ()
