"""The picture of the packages is drawn from today's imports."""

from __future__ import annotations

from xml.etree import ElementTree

from tests import architecture


def test_the_picture_is_up_to_date() -> None:
    told = "docs/architecture.svg is older than the imports; run `make picture` and look at it"
    assert architecture.PICTURE.read_text() == architecture.drawn(), told


def test_an_import_that_follows_from_others_has_no_arrow() -> None:
    edges = {("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("a", "d"), ("a", "e")}
    assert architecture.reduced(frozenset(edges)) == {
        ("a", "b"),
        ("b", "c"),
        ("c", "d"),
        ("a", "e"),
    }


def test_every_package_is_drawn_once_inside_the_picture_and_beside_the_others() -> None:
    rows = architecture.layers()
    boxes = architecture.placed(rows, architecture.reduced(architecture.imports()))
    assert sorted(boxes) == sorted(name for row in rows for name in row)
    for row in rows:
        edges = sorted(
            edge
            for name in row
            for edge in (
                (boxes[name].x - boxes[name].width / 2, name, "left"),
                (boxes[name].x + boxes[name].width / 2, name, "right"),
            )
        )
        assert [side for _, _, side in edges] == ["left", "right"] * len(row), row
        assert edges[0][0] >= 0 and edges[-1][0] <= 860


def test_it_is_well_formed_and_loads_nothing() -> None:
    text = architecture.drawn()
    root = ElementTree.fromstring(text)
    assert root.tag.endswith("svg")
    assert "href" not in text and "<script" not in text
