"""The views of the table agree after every change."""

from __future__ import annotations

from reconciler.model.state.observed import Process, ProcessId, Tag
from reconciler.observed.processes.table import Group, Table

TAG = Tag("s", "app", 0, "h", "n1")
MAIN, OTHER = ProcessId(10, 100), ProcessId(11, 101)


def _table() -> tuple[Table, Group]:
    table, group = Table(), Group(Process(TAG, MAIN, 1.0))
    table.add(group)
    return table, group


def test_a_group_is_found_by_nonce_app_pid_and_session() -> None:
    table, group = _table()
    table.add_other(group, OTHER)
    assert table.get("n1") is group
    assert list(table.running("app")) == list(table.running()) == [group]
    assert table.member(10) == (MAIN, group) and table.member(11) == (OTHER, group)
    assert table.session(10) == TAG and table.session(11) is None
    assert group.process.stragglers == (OTHER,)


def test_a_group_that_ended_has_leftovers_but_nothing_that_runs() -> None:
    table, group = _table()
    table.add_other(group, OTHER)
    table.end(group)
    assert list(table.running()) == [] and table.apps() == set()
    assert table.member(10) is None and table.session(10) is None
    assert table.get("n1") is group and table.member(11) == (OTHER, group)


def test_a_removed_group_leaves_no_trace() -> None:
    table, group = _table()
    table.end(group)
    table.remove(group)
    assert table.get("n1") is None and table.groups() == () and list(table.running("app")) == []


def test_a_pid_reused_within_ours_belongs_to_the_new_owner() -> None:
    table, group = _table()
    following = Group(Process(TAG._replace(nonce="n2"), ProcessId(10, 900), 9.0))
    table.add(following)
    table.end(group)
    table.remove(group)
    assert table.member(10) == (ProcessId(10, 900), following)
    assert table.session(10) == following.process.tag


def test_one_that_leads_no_session_claims_none() -> None:
    table = Table()
    table.add(Group(Process(TAG, MAIN, 1.0), leads=False))
    assert table.session(10) is None
