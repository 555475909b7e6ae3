"""The fields that differ: named as in the manifest, with what they do, and no secret shown."""

from __future__ import annotations

from typing import Any

from reconciler.diff.core.history import record
from reconciler.diff.status.fields import changed_fields
from reconciler.model.state.desired import DesiredApp
from reconciler.model.state.memory import AppMemory
from tests.diff.simhost import app_of

Row = tuple[str, Any, Any, str]


def _changes(before: DesiredApp, after: DesiredApp) -> list[Row]:
    (revision,) = record(AppMemory(), before).revisions
    found = changed_fields(revision, after)
    return [(c.path, c.before, c.after, c.effect.value) for c in found]


def test_the_sample_of_the_design() -> None:
    before = app_of(env={"LOG_LEVEL": "info"}, secrets={"DB_PASSWORD": "old"})
    after = app_of(
        env={"LOG_LEVEL": "debug"},
        secrets={"DB_PASSWORD": "new"},
        terminationGracePeriodSeconds=60,
    )
    assert _changes(before, after) == [
        ("env.DB_PASSWORD", "***", "*** (changed)", "replaces"),
        ("env.LOG_LEVEL", "info", "debug", "replaces"),
        ("terminationGracePeriodSeconds", 30, 60, "in-place"),
    ]


def test_the_first_revision_changes_no_field() -> None:
    assert changed_fields(None, app_of()) == ()


def test_paths_go_as_deep_as_maps_go() -> None:
    before = app_of(env={"A": "1", "GONE": "x"})
    after = app_of(env={"A": "1", "NEW": {"perInstance": 3}}, strategy={"maxSurge": 2})
    assert _changes(before, after) == [
        ("env.GONE", "x", None, "replaces"),
        ("env.NEW.perInstance", None, 3, "replaces"),
        ("strategy.maxSurge", "25%", 2, "in-place"),
    ]


def test_places_of_files_are_steps_that_can_be_read() -> None:
    paths = [".", "dist", "./a.js", "../shared", ".env", "/srv/x"]
    before, after = (app_of(watched=dict.fromkeys(paths, digest)) for digest in ("1", "2"))
    assert before.hash != after.hash
    assert [row[0] for row in _changes(before, after)] == [
        "watched",
        "watched.dist",
        "watched[../shared]",
        "watched[./a.js]",
        "watched[.env]",
        "watched[/srv/x]",
    ]


def test_a_default_that_is_written_out_is_no_change_of_a_field_applied_in_place() -> None:
    assert _changes(app_of(), app_of(terminationGracePeriodSeconds=30)) == []


def test_secrets_that_come_and_go_are_masked() -> None:
    before, after = app_of(secrets={"A": "s3cret"}), app_of(secrets={"B": "t0psecret"})
    rows = _changes(before, after)
    assert rows == [("env.A", "***", None, "replaces"), ("env.B", None, "***", "replaces")]
    assert "secret" not in str(rows)


def test_a_lost_key_changes_no_field() -> None:
    before = app_of(secrets={"A": "x"}, key=b"1")
    assert _changes(before, app_of(secrets={"A": "x"}, key=b"2")) == []


def test_a_field_of_another_release_is_passed_over() -> None:
    (revision,) = record(AppMemory(), app_of()).revisions
    assert isinstance(revision.spec, dict)
    revision.spec["fieldOfTomorrow"] = 1
    assert changed_fields(revision, app_of()) == ()


def test_a_text_that_becomes_a_secret_or_was_one_is_not_shown() -> None:
    before = app_of(env={"TOKEN": "hunter2"})
    after = app_of(env={"TOKEN": {"secretFile": "/m/token"}})
    assert ("env.TOKEN", "***", {"secretFile": "/m/token"}, "replaces") in _changes(before, after)
    assert ("env.TOKEN", {"secretFile": "/m/token"}, "***", "replaces") in _changes(after, before)
