"""What recon itself writes is known by folder and by name, so that it never counts as content."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from reconciler.desired.watched.own_files import OwnFiles
from reconciler.model.words.logname import INSTANCE


@pytest.mark.parametrize(
    ("name", "is_log"),
    [
        ("web-3.log", True),
        ("web-3.log.20261130-101500-000001", True),
        ("web-3.log.20261130-101500-000001.gz", True),
        ("web-3.log.20261130-101500-000001.gz.tmp", True),
        ("web-x.log", False),
        ("web-3.log.bak", False),
        ("main.js", False),
    ],
)
def test_a_log_is_known_by_name_before_it_is_there(tmp_path: Path, name: str, is_log: bool) -> None:
    own = OwnFiles(logs=[f"{tmp_path}/web-{INSTANCE}.log"])
    assert own.is_log(f"{tmp_path}/{name}") is is_log
    assert not own.is_log(f"{tmp_path}/elsewhere/{name}")


def test_a_folder_is_known_by_whatever_name_leads_there(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    own = OwnFiles([f"{tmp_path}/link"], [f"{tmp_path}/link/out.log"])
    assert own.has_folder(f"{tmp_path}/real") and own.has_folder(f"{tmp_path}/link")
    assert not own.has_folder(str(tmp_path))
    assert own.logs_in(f"{tmp_path}/real") == {"out.log"}
    assert own.is_log(f"{tmp_path}/real/out.log")


def test_the_version_changes_only_where_a_log_is_new(tmp_path: Path) -> None:
    own = OwnFiles(logs=[f"{tmp_path}/a.log"])
    before = own.version
    own.add_logs([f"{tmp_path}/a.log"])
    assert own.version == before
    assert not own.is_log(f"{tmp_path}/b.log")
    own.add_logs([f"{tmp_path}/b.log"])
    assert own.version > before
    assert own.is_log(f"{tmp_path}/b.log")


def test_a_worker_process_is_told_the_same(tmp_path: Path) -> None:
    own = OwnFiles([str(tmp_path)], [f"{tmp_path}/a.log"])
    assert own.is_log(f"{tmp_path}/a.log")
    copy = pickle.loads(pickle.dumps(own))
    assert copy.is_log(f"{tmp_path}/a.log") and copy.has_folder(str(tmp_path))


def test_without_any_log_nothing_is_one(tmp_path: Path) -> None:
    own = OwnFiles()
    assert not own.is_log(f"{tmp_path}/a.log")
    assert own.logs_in(str(tmp_path)) == frozenset()
