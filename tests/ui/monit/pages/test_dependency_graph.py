from __future__ import annotations

from typing import Any

from reconciler.ui.monit.pages.dependency_graph import Graph
from tests.cli.documents import app
from tests.ui.monit.fake import shop


def needs(name: str, *others: str) -> dict[str, Any]:
    wanted = [{"app": other, "condition": "Ready"} for other in others]
    return app(name, dependsOn=wanted)


def drawn(*apps: dict[str, Any], blocks: bool = False) -> list[str]:
    return Graph(apps, blocks=blocks, colour=False).all()


def test_what_an_app_needs_stands_below_it() -> None:
    assert drawn(*shop()["apps"], blocks=True) == [
        "web  Healthy 2/2",
        "└─ api  Progressing 1/2",
        "   ├─ db  Healthy 1/1",
        "   └─ migrate  Healthy 0/0 (Completed)",
        "",
        "worker  Degraded 0/1",
        "└─ db  Healthy 1/1 (Started)",
        "",
    ]


def test_what_is_drawn_above_is_not_drawn_again() -> None:
    diamond = [needs("a", "b", "c"), needs("b", "d"), needs("c", "d"), needs("d", "e"), needs("e")]
    assert drawn(*diamond) == [
        "a  Healthy 1/1",
        "|- b  Healthy 1/1",
        "|  `- d  Healthy 1/1",
        "|     `- e  Healthy 1/1",
        "`- c  Healthy 1/1",
        "   `- d  Healthy 1/1  see above",
        "",
    ]


def test_a_circle_ends() -> None:
    lines = drawn(needs("a", "b"), needs("b", "a"), needs("alone"))
    assert lines[:3] == ["a  Healthy 1/1", "`- b  Healthy 1/1", "   `- a  Healthy 1/1  see above"]
    assert lines[-1] == "  alone  Healthy 1/1"


def test_an_app_that_is_not_there_is_said() -> None:
    assert drawn(needs("a", "ghost"))[1] == "`- ghost  not declared"


def test_a_long_chain_is_drawn() -> None:
    chain = [needs(f"a{n:04}", f"a{n + 1:04}") for n in range(2000)] + [needs("a2000")]
    assert len(drawn(*chain)) == 2002


def test_around_one_app_both_ways_are_shown() -> None:
    graph = Graph(shop()["apps"], blocks=False, colour=False)
    assert graph.around("db") == [
        "Needs nothing",
        "db  Healthy 1/1",
        "",
        "Is needed by",
        "db  Healthy 1/1",
        "|- api  Progressing 1/2",
        "|  `- web  Healthy 2/2",
        "`- worker  Degraded 0/1 (Started)",
    ]
    assert graph.around("gone")[-1] == "Nothing needs it"


def test_no_apps() -> None:
    assert drawn() == ["No apps are declared."]
