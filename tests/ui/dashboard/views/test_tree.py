"""The tree of an app: revisions, and what runs of each."""

from __future__ import annotations

from reconciler.ui.dashboard.views.tree import tree_of
from tests.ui.dashboard.standin import app_row, instance_row, used_row


def test_during_a_rollout_both_revisions_stand_there_the_declared_one_first() -> None:
    rows = [instance_row("web-0", revision=2, pid=2), instance_row("web-1", revision=1, pid=1)]
    tree = tree_of(app_row(revision=2, desired=2, updated=1, instances=rows), [])
    assert [*tree.rows] == ["rev-2", "in-web-0-2", "rev-1", "in-web-1-1"]
    assert tree.rows["rev-2"]["is_declared"] and not tree.rows["rev-1"]["is_declared"]
    assert tree.share == {"updated": 50, "ready": 50, "available": 50}


def test_what_does_not_run_belongs_to_the_declared_revision() -> None:
    rows = [instance_row("web-0", revision=None, pid=None, state="backoff", ready=False)]
    tree = tree_of(app_row(revision=3, ready=0, instances=rows), [])
    assert [*tree.rows] == ["rev-3", "in-web-0-backoff"] and tree.rows["rev-3"]["ready"] == 0


def test_an_old_and_a_new_process_of_one_number_are_two_rows() -> None:
    rows = [instance_row("web-0", pid=1, revision=1), instance_row("web-0", pid=2, revision=2)]
    assert len({*tree_of(app_row(revision=2, instances=rows), []).rows}) == 4


def test_the_newest_numbers_are_those_of_the_usage() -> None:
    used = used_row("web", "web-0", cpuPercent=55.0, rssBytes=90, limitBytes=100)
    row = tree_of(app_row(), [used]).rows["in-web-0-4120"]
    assert (row["cpu"], row["memory"], row["full"]) == (55.0, 90, 90)


def test_an_app_without_instances_is_a_revision_alone() -> None:
    tree = tree_of(app_row(desired=0, ready=0, updated=0, available=0, instances=[]), [])
    assert [*tree.rows] == ["rev-1"] and tree.share["ready"] == 0
