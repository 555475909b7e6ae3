"""Where the kernel puts a core file, as core(5) has it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from reconciler.observed.processes import corefile


class Host:
    """A /proc with a core_pattern, and folders to look in."""

    def __init__(self, path: Path) -> None:
        self.proc = path / "proc"
        self.cwd = path / "cwd"
        (self.proc / "sys/kernel").mkdir(parents=True)
        self.cwd.mkdir()
        self.pattern("core")

    def pattern(self, text: str, uses_pid: str = "0") -> None:
        (self.proc / "sys/kernel/core_pattern").write_text(text + "\n")
        (self.proc / "sys/kernel/core_uses_pid").write_text(uses_pid + "\n")

    def dump(self, name: str, at: float = 1000) -> str:
        path = self.cwd / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"core")
        os.utime(path, (at, at))
        return str(path)

    def find(self, since: float = 1000) -> str:
        return corefile.find(42, str(self.cwd), since, str(self.proc))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


@pytest.mark.parametrize(
    ("pattern", "uses_pid", "name"),
    [
        ("core", "0", "core"),
        ("core", "1", "core.42"),
        ("core.%p", "0", "core.42"),
        ("core.%p", "1", "core.42"),
        ("%e-%t-%P.core", "0", "node-1700000000-42.core"),
        ("100%%-%h-%i", "0", "100%-a.host-42"),
        ("cores/core-%u-%p", "0", "cores/core-1000-42"),
        ("[core]*%p", "0", "[core]*42"),
    ],
)
def test_the_file_is_found_by_its_pattern(
    host: Host, pattern: str, uses_pid: str, name: str
) -> None:
    host.pattern(pattern, uses_pid)
    host.dump(f"{name}.of-another")
    assert host.find() == ""
    path = host.dump(name)
    assert host.find() == path


def test_a_pattern_with_a_folder_is_looked_for_there(host: Host, tmp_path: Path) -> None:
    host.pattern(f"{tmp_path}/crash/core.%p")
    assert host.find() == "", "there is no such folder"
    (tmp_path / "crash").mkdir()
    (tmp_path / "crash/core.42").touch()
    assert host.find(0) == f"{tmp_path}/crash/core.42"


def test_a_file_that_is_older_than_the_process_is_another_ones(host: Host) -> None:
    host.dump("core", at=900)
    assert host.find(since=1000) == ""
    assert host.find(since=800) == f"{host.cwd}/core"


def test_of_several_the_newest_counts(host: Host) -> None:
    host.pattern("core.%t")
    host.dump("core.1", at=1001)
    newest = host.dump("core.2", at=1002)
    assert host.find() == newest


def test_a_name_that_is_no_text_is_shown_with_escapes(host: Host) -> None:
    host.pattern("core.%e.%p")
    host.dump("core.b\udcff.42")
    assert host.find() == f"{host.cwd}/core.b\\udcff.42"


def test_systemd_coredump_has_a_folder_of_its_own(
    host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(corefile, "_SYSTEMD", str(host.cwd))
    host.pattern("|/usr/lib/systemd/systemd-coredump %P %u %g %s %t %c %h")
    host.dump("core.node.1000.8a7b.41.1700000000.zst")
    path = host.dump("core.node.1000.8a7b.42.1700000000.zst")
    assert host.find() == path


@pytest.mark.parametrize("pattern", ["|/usr/share/apport/apport %p", "|false", "%e/core", ""])
def test_where_nobody_knows_the_place_there_is_none(host: Host, pattern: str) -> None:
    host.pattern(pattern)
    host.dump("core")
    assert host.find() == ""


def test_a_folder_that_cannot_be_read_holds_no_core_file(host: Host) -> None:
    host.cwd.rmdir()
    assert host.find() == ""
    assert corefile.find(42, "/", 0, "/nowhere") == ""
