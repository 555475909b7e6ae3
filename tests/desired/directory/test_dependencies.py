"""Dependencies over the directory: what is wrong is told at its place, and stops nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.desired.directory import dependencies
from reconciler.desired.directory.dependencies import DependencyCheck, find_cycle, needs
from reconciler.desired.directory.store import ManifestStore
from tests.desired.conftest import Folder
from tests.diff.simhost import app_of

Accept = Callable[[ManifestStore, Path], frozenset[str]]


def said(store: ManifestStore) -> str:
    return "\n".join(map(str, store.problems))


def on(*names: str) -> str:
    return f"  dependsOn: [{', '.join(names)}]\n"


def test_plain_name_means_ready_and_no_restart(folder: Folder) -> None:
    folder.app("db")
    folder.app("web", on("db"))
    (need,) = folder.scanned().apps["web"].spec.depends_on
    assert (need.app, need.condition, need.restart) == ("db", "Ready", False)


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (on("dbb"), "web.yaml:6:15: spec.dependsOn.0: no manifest declares dbb, did you mean db?"),
        (on("db", "web"), "web.yaml:6:19: spec.dependsOn.1: web depends on itself"),
        (on("{app: db, condition: Completed}"), "db never completes, because its restartPolicy is"),
        (on("db", "db"), "db is named twice"),
        (on("{app: db, condition: Raedy}"), "web.yaml:6:"),
        (on("{app: db, restrt: true}"), "did you mean restart?"),
    ],
)
def test_mistakes_are_told_at_their_place(folder: Folder, written: str, message: str) -> None:
    folder.app("db")
    folder.app("web", written)
    store = folder.scanned()
    assert message in said(store)
    assert store.apps.keys() == {"db"}, "there is no last good version"


def test_cycle_is_told_at_each_app_with_its_path(folder: Folder) -> None:
    folder.app("backend", on("db"))
    folder.app("db", on("cache"))
    folder.app("cache", on("backend"))
    folder.app("web", on("backend"))
    store = folder.scanned()
    assert len(store.problems) == 3
    assert "backend.yaml:6:15" in said(store)
    assert "backend → db → cache → backend" in said(store)
    assert "cache → backend → db → cache" in said(store)
    assert store.apps.keys() == {"web"}


def test_last_good_version_stands_and_what_is_mended_counts(folder: Folder, accept: Accept) -> None:
    folder.app("db")
    folder.app("web", on("db"))
    store = folder.scanned()
    good = store.apps["web"]
    wrong = folder.app("web", on("nothing") + "  instances: 7\n")
    assert "web" in accept(store, wrong)
    assert store.apps["web"].spec == good.spec
    assert "no manifest declares nothing" in str(store.apps["web"].problem)
    # A mistake in the text on top of it does not let the refused version in.
    assert "web" in accept(store, folder.app("web", "  nonsense: 1\n"))
    assert store.apps["web"].spec == good.spec
    accept(store, folder.app("web", on("nothing") + "  instances: 7\n"))
    assert "web" in accept(store, folder.app("nothing"))
    assert store.apps["web"].spec.wanted == 7
    assert store.apps["web"].problem is None
    assert store.problems == ()


def test_cycle_made_by_one_edit_keeps_both_and_ends_with_an_edit_of_either(
    folder: Folder, accept: Accept
) -> None:
    folder.app("a", on("b"))
    folder.app("b")
    store = folder.scanned()
    assert accept(store, folder.app("b", on("a"))) == {"a", "b"}
    assert [list(needs(store.apps[name])) for name in "ab"] == [["b"], []]
    assert all(store.apps[name].problem for name in "ab")
    assert accept(store, folder.app("a")) == {"a", "b"}
    assert store.problems == ()
    assert [list(needs(store.apps[name])) for name in "ab"] == [[], ["a"]]


def test_removed_dependency_is_a_problem_of_its_dependents(folder: Folder) -> None:
    db = folder.app("db")
    folder.app("web", on("db"))
    store = folder.scanned()
    db.unlink()
    desired = store.scan()
    assert "no manifest declares db" in str(desired.apps["web"].problem)
    folder.app("db")
    assert store.scan().problems == ()


def test_restart_policy_of_the_dependency_is_judged_again(folder: Folder, accept: Accept) -> None:
    folder.app("job", "  restartPolicy: Never\n")
    folder.app("web", on("{app: job, condition: Completed}"))
    store = folder.scanned()
    assert store.problems == ()
    assert accept(store, folder.app("job")) == {"job", "web"}
    assert "never completes" in said(store)
    accept(store, folder.app("job", "  restartPolicy: OnFailure\n"))
    assert store.problems == ()


def test_one_edit_among_many_judges_that_app_alone(
    folder: Folder, accept: Accept, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.app("db")
    for number in range(50):
        folder.app(f"w{number}", on("db"))
    store = folder.scanned()
    looked: list[str] = []

    def counted(self: DependencyCheck, name: str) -> None:
        looked.append(name)
        real(self, name)

    real = DependencyCheck._publish
    monkeypatch.setattr(dependencies.DependencyCheck, "_publish", counted)
    accept(store, folder.app("db", "  env: {A: b}\n"))
    accept(store, folder.app("w7", on("db") + "  env: {A: b}\n"))
    assert set(looked) == {"db", "w7"}


graphs = st.dictionaries(
    st.sampled_from("abcd"), st.frozensets(st.sampled_from("abcde"), max_size=2), max_size=4
)


@given(st.lists(graphs, min_size=1, max_size=5))
def test_whatever_is_edited_what_is_passed_on_has_no_cycle_and_loses_nothing(
    edits: list[dict[str, frozenset[str]]],
) -> None:
    check = DependencyCheck(lambda app, index: (1, index + 1))
    for graph in edits:
        before = set(check.apps)
        declared = {name: app_of(name, dependsOn=sorted(below)) for name, below in graph.items()}
        check.update(declared, {*declared, *before, *"abcd"})
        assert before & declared.keys() <= check.apps.keys(), "nothing is lost by a mistake"

        def below(name: str) -> Iterator[str]:
            return needs(check.apps.get(name))

        assert find_cycle(below, sorted(check.apps)) is None
        faulty = {problem.file for problem in check.problems}
        for name, app in declared.items():
            if app.source.file not in faulty and not check._refused.get(name):
                assert check.apps[name] is app or check.apps[name] == app
