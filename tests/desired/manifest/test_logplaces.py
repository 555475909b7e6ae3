"""Where logs may go is told before anything is written, at its place in the manifest."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.desired.directory.store import ManifestStore
from tests.desired.conftest import Folder, manifest

Accept = Callable[[ManifestStore, Path], frozenset[str]]


def said(store: ManifestStore) -> str:
    return "\n".join(map(str, store.problems))


def test_a_path_is_relative_to_the_manifests_file_and_knows_its_app(folder: Folder) -> None:
    folder.app(
        "api", "  logs: {stdout: ../logs/<app>-<instance>.log, stderr: /var/log/<app>.err}\n"
    )
    [app] = folder.scanned().apps.values()
    assert app.spec.logs.stdout == str(folder.root.parent / "logs/api-<instance>.log")
    assert app.spec.logs.stderr == "/var/log/api.err"


def test_one_place_for_all_apps_stands_in_the_defaults(folder: Folder) -> None:
    defaults = "{logs: {stdout: logs/<app>.log, merge: true}}"
    folder.write(
        "recon.yaml", f"apiVersion: recon/v1\nkind: Settings\nspec: {{defaults: {defaults}}}\n"
    )
    folder.app("a")
    folder.app("b")
    store = folder.scanned()
    assert said(store) == ""
    found = {name: app.spec.logs.stdout for name, app in store.apps.items()}
    assert found == {"a": f"{folder.root}/logs/a.log", "b": f"{folder.root}/logs/b.log"}


@pytest.mark.parametrize(
    ("logs", "at", "sentence"),
    [
        ("{stdout: .}", "6:18: spec.logs.stdout", ". is a directory; name a file in it"),
        ("{stdout: x/}", "6:18: spec.logs.stdout", "x/ is a directory; name a file in it"),
        ("{stdout: ''}", "6:18: spec.logs.stdout", "must be the path of a file"),
        (
            "{stderr: fifo}",
            "6:18: spec.logs.stderr",
            "is not a regular file, so it cannot hold a log",
        ),
        ("{stdout: folder}", "6:18: spec.logs.stdout", "folder is a directory; name a file in it"),
        ("{stdout: file/x.log}", "6:18: spec.logs.stdout", "a part of it is a file, not a"),
        ("{stdout: <pid>.log}", "6:18: spec.logs.stdout", "<pid> is not a placeholder; write"),
        ("{stdout: <instance>/x.log}", "6:18: spec.logs.stdout", "not in a folder"),
        ("{stdout: ../state/logs/x.log}", "6:18: spec.logs.stdout", "recon's own state directory"),
        ("{stdout: link/x.log}", "6:18: spec.logs.stdout", "recon's own state directory"),
        ("{stderr: x.log, merge: true}", "6:9: spec.logs", "remove stderr or merge"),
        (
            "{timestamps: '%%'}",
            "6:22: spec.logs.timestamps",
            "is not a valid time format; write true, false, or",
        ),
        (
            "{timestamps: ''}",
            "6:22: spec.logs.timestamps",
            "is not a valid time format; write true, false, or",
        ),
        ("{timestamps: '%Y%n'}", "6:22: spec.logs.timestamps", "is not a valid time format"),
        ("{format: xml}", "6:18: spec.logs.format", "must be 'text' or 'json'"),
        ("{rotate: {every: soon}}", "6:26: spec.logs.rotate.every", "is not a duration; write"),
        ("{rotate: {every: 0.1s}}", "6:26: spec.logs.rotate.every", "is too short; write"),
        (
            "{rotate: {at: '24:00'}}",
            "6:23: spec.logs.rotate.at",
            "is not a valid time of day; write e.g.",
        ),
        ("{rotate: {maxAgeDays: 0}}", "6:31: spec.logs.rotate.maxAgeDays", "must be more than 0"),
    ],
)
def test_what_cannot_be_is_told_at_its_place(
    folder: Folder, logs: str, at: str, sentence: str
) -> None:
    state = folder.root.parent / "state"
    (state / "logs").mkdir(parents=True)
    (folder.root / "folder").mkdir()
    (folder.root / "file").touch()
    (folder.root / "link").symlink_to(state)
    os.mkfifo(folder.root / "fifo")
    path = folder.app("api", f"  logs: {logs}\n")
    told = said(folder.scanned(state=state))
    assert told.startswith(f"{path}:{at}")
    assert sentence in told


def test_two_apps_cannot_write_to_one_file(folder: Folder, accept: Accept) -> None:
    folder.app("b", "  logs: {stdout: x.log}\n")
    store = folder.scanned()
    path = folder.app("a", "  logs:\n    stdout: out.log\n    stderr: x.log\n")
    accept(store, path)
    assert set(store.apps) == {"b"}, "who had it keeps it"
    first, second = store.problems
    assert (first.file, first.line, first.column, first.path) == (
        *(str(path), 8, 5),
        "spec.logs.stderr",
    )
    assert f"x.log is also written to by b ({folder.root / 'b.yaml'}:6)" in first.message
    assert f"also written to by a ({path}:8)" in second.message
    accept(store, folder.app("b"))
    assert set(store.apps) == {"a", "b"} and store.problems == ()


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ("x-<instance>.log", "x-0.log", True),
        ("x-<instance>.log", "x-<instance>.log", True),
        ("x-<instance>.log", "x-a.log", False),
        ("x1.log", "x2.log", False),
        ("x-<instance>.log", "y-<instance>.log", False),
        ("d1/<instance>.log", "d2/<instance>.log", False),
    ],
)
def test_a_name_for_each_instance_may_be_anothers(
    folder: Folder, one: str, other: str, clash: bool
) -> None:
    folder.app("a", f"  logs: {{stdout: {one}}}\n")
    folder.app("b", f"  logs: {{stdout: {other}}}\n")
    assert ("also written to" in said(folder.scanned())) is clash


def test_an_app_may_write_both_streams_to_one_file(folder: Folder) -> None:
    folder.app("a", "  logs: {stdout: x.log, stderr: x.log}\n")
    assert folder.scanned().problems == ()


def test_a_probe_may_ask_for_a_line_where_all_instances_write_to_one_log(folder: Folder) -> None:
    """A line is heard as it comes out of its process, not read from the log."""
    probe = "  readinessProbe: {log: up}\n  instances: 2\n"
    folder.write("a.yaml", manifest("a", f"{probe}  logs: {{stdout: x.log}}\n"))
    assert said(folder.scanned()) == ""
