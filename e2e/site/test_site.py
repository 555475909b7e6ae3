"""The site is built without a warning, and all that it links to is there."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import pytest

from e2e.site.build import build
from e2e.site.stage import NAV, pages
from reconciler.cli.framework.table import VERBS
from reconciler.model.spec.manifest import AppSpec


class Html(NamedTuple):
    anchors: set[str]
    links: set[str]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.anchors: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value for name, value in attrs if value}
        self.anchors.update(value for name, value in found.items() if name == "id")
        self.links.update(value for name, value in found.items() if name in ("href", "src"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("docs"))


def test_every_link_leads_somewhere(site: Path) -> None:
    read = {path: _read(path) for path in site.rglob("*.html")}
    assert len(read) > 25
    for path, page in read.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc or link.startswith("/"):
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), f"{path.name}: {link}"
            if parts.fragment and target in read:
                anchors = read[target].anchors
                assert unquote(parts.fragment) in anchors, f"{path.name}: {link}"


def test_every_document_has_a_place_in_the_order_of_a_reader() -> None:
    placed = {name for titles in NAV.values() for name in titles.values()}
    assert placed == {*pages(), "fields", "commands"}


def test_the_reference_has_every_field_and_every_command(site: Path) -> None:
    fields, commands = ((site / f"{name}.html").read_text() for name in ("fields", "commands"))
    for name, field in AppSpec.model_fields.items():
        assert (field.alias or name) in ("watched", "built", "kind") or (
            f"<code>{field.alias or name}</code>" in fields
        ), name
    for verb in VERBS:
        assert f">recon {verb}" in commands, verb


def _read(path: Path) -> Html:
    reader = _Reader()
    reader.feed(path.read_text())
    return Html(reader.anchors, reader.links)
