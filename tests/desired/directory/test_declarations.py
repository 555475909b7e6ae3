"""Of all that files say of a name, one file's word counts."""

from __future__ import annotations

from dataclasses import replace

from reconciler.desired.directory.declarations import Declarations
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.state.desired import DesiredApp, Source


def app(name: str, file: str, **spec: object) -> dict[str, DesiredApp]:
    made = AppSpec.model_validate({"command": ["sleep", "1"], **spec})
    return {name: DesiredApp(name, made, "h", Source(file, 1))}


def test_the_first_file_to_declare_a_name_keeps_it_and_both_are_told() -> None:
    declarations = Declarations()
    assert declarations.change("b.yaml", {}, app("web", "b.yaml")) == {"web"}
    declarations.change("a.yaml", {}, app("web", "a.yaml"))
    assert declarations.apps["web"].source.file == "b.yaml"
    told = sorted(map(str, declarations.problems()))
    assert [one.partition(":")[0] for one in told] == ["a.yaml", "b.yaml"]
    assert "also declared in a.yaml:1" in str(declarations.apps["web"].problem)
    # An edit of the first does not lose its turn, and its removal gives the name to the other.
    edited = app("web", "b.yaml", instances=2)
    declarations.change("b.yaml", app("web", "b.yaml"), edited)
    assert declarations.apps["web"].spec == edited["web"].spec
    declarations.change("b.yaml", edited, {})
    assert declarations.apps["web"] == app("web", "a.yaml")["web"]
    assert not [*declarations.problems()]


def test_of_two_that_were_there_at_once_neither_is_believed() -> None:
    declarations = Declarations()
    declarations.change("a.yaml", {}, app("web", "a.yaml"))
    declarations.change("b.yaml", {}, app("web", "b.yaml") | app("api", "b.yaml"))
    declarations.leave_undecided()
    assert [*declarations.apps] == ["api"] and len([*declarations.problems()]) == 2
    declarations.change("a.yaml", app("web", "a.yaml"), {})
    assert declarations.apps["web"].source.file == "b.yaml"


def test_an_app_that_loses_its_port_stays_what_it_was() -> None:
    declarations = Declarations()
    port = {"sockets": [{"name": "http", "port": 8080}]}
    declarations.change("a.yaml", {}, app("a", "a.yaml", **port))
    before = app("b", "b.yaml")
    declarations.change("b.yaml", {}, before)
    now = app("b", "b.yaml", **port)
    assert declarations.change("b.yaml", before, now) == {"a", "b"}
    kept = declarations.apps["b"]
    assert replace(kept, problem=None) == before["b"] and "8080" in str(kept.problem)
    assert declarations.judged() == {"a", "b"} and not declarations.judged()


def test_a_copy_is_changed_alone() -> None:
    declarations = Declarations()
    declarations.change("a.yaml", {}, app("web", "a.yaml"))
    copy = declarations.copy()
    copy.change("b.yaml", {}, app("web", "b.yaml"))
    copy.change("a.yaml", app("web", "a.yaml"), {})
    assert declarations.apps["web"].source.file == "a.yaml" and not [*declarations.problems()]
    assert copy.apps["web"].source.file == "b.yaml"
