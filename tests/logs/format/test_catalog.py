"""Where logs are is written down for as long as a controller runs, whatever is removed."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from reconciler.logs.format.catalog import CatalogWriter
from reconciler.model.host.logcatalog import Catalog
from reconciler.model.spec.logs import Logs

OWN = Logs()
APART = Logs(stdout="/srv/api.log")
TIMED = Logs(timestamps="%s")
EVERY = {"own": OWN, "api": APART, "timed": TIMED}


@pytest.fixture
def writer(tmp_path: Path) -> CatalogWriter:
    made = CatalogWriter(tmp_path / "state")
    for app, logs in EVERY.items():
        made.note(app, logs)
    return made


def told(tmp_path: Path) -> dict[str, Catalog]:
    files = (tmp_path / "state/logs").glob("*.json")
    return {file.stem: Catalog.parse(file.read_bytes()) for file in files}


@pytest.mark.parametrize("gone", ["state", "state/logs", "state/logs/api.json"])
def test_what_was_removed_is_written_again(
    tmp_path: Path, writer: CatalogWriter, gone: str
) -> None:
    before = told(tmp_path)
    assert before["api"].places == ("/srv/api.log",) and set(before) == {"api", "timed"}
    for number in range(2):
        writer.keep(EVERY)
        shutil.move(tmp_path / gone, tmp_path / f"gone-{number}")
        writer.keep(EVERY)
        assert told(tmp_path) == before
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_nothing_is_looked_at_while_nothing_came_or_went(
    tmp_path: Path, writer: CatalogWriter, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer.keep(EVERY)
    monkeypatch.setattr(os, "listdir", lambda _: pytest.fail("looked again"))
    writer.keep(EVERY)


def test_apps_without_a_catalog_are_looked_at_once_while_there_is_no_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with a thousand apps that have written nothing yet."""
    writer = CatalogWriter(tmp_path / "state")
    writer.keep({"own": OWN})
    with monkeypatch.context() as patched:
        patched.setattr(writer, "note", lambda *_: pytest.fail("looked again"))
        writer.keep({"own": OWN})
    writer.note("api", APART)
    shutil.rmtree(tmp_path / "state")
    writer.keep(EVERY)
    assert set(told(tmp_path)) == {"api", "timed"}


def test_a_catalog_that_could_not_be_written_is_written_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = CatalogWriter(tmp_path / "state")
    (tmp_path / "state").write_text("no folder can be made here")
    writer.keep(EVERY)
    (tmp_path / "state").unlink()
    writer.keep(EVERY)
    assert set(told(tmp_path)) == {"api", "timed"}


def test_what_is_there_is_kept_with_what_it_remembers(
    tmp_path: Path, writer: CatalogWriter
) -> None:
    writer.note("api", Logs(stdout="/srv/new.log"))
    writer.keep(EVERY)
    assert told(tmp_path)["api"].places == ("/srv/new.log", "/srv/api.log")
