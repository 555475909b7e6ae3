"""README and docs say what the code does today."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from reconciler.model.spec.job import JobTerms
from reconciler.model.spec.manifest import AppSpec
from reconciler.model.words.fields import Effect, effects, is_own

ROOT = Path(__file__).parents[1]


def test_every_field_of_spec_is_in_the_reference_with_what_a_change_of_it_does() -> None:
    text = (ROOT / "docs/manifest.md").read_text()
    rows = dict(re.findall(r"^\| `(\w+)` \| [^|]* \| (replaces processes|in place) \|", text, re.M))
    told = {"replaces processes": Effect.REPLACES, "in place": Effect.IN_PLACE}
    assert {name: told[word] for name, word in rows.items()} == effects(AppSpec)


def test_every_field_is_in_what_the_documents_say_of_leaving_for_systemd() -> None:
    text = (ROOT / "docs/systemd.md").read_text().split("## Leaving for systemd")[1]
    named = set(re.findall(r"`(\w+)[.`]", text))
    own = {field.alias or name for name, field in AppSpec.model_fields.items() if is_own(field)}
    fields = {*effects(AppSpec), *effects(JobTerms)} - own
    assert not fields - named


def test_links_and_paths_in_the_documents_lead_somewhere() -> None:
    for document in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")):
        text = document.read_text()
        for target in re.findall(r"\]\((?!http)([^)#]+)\)", text):
            assert (document.parent / target).exists(), f"{document.name}: {target}"
        for path in re.findall(r"`((?:tests|e2e|reconciler|manifests)/[\w./-]+)`", text):
            assert (ROOT / path).exists(), f"{document.name}: {path}"


def test_every_section_that_the_code_or_a_document_cites_is_there() -> None:
    sources = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
    for folder in ("reconciler", "tests", "e2e"):
        sources += (ROOT / folder).rglob("*.py")
    cited = 0
    for source in sources:
        for page, section in re.findall(r"\b([\w-]+\.md)#([\w-]+)", source.read_text()):
            assert section in sections(page), f"{source.relative_to(ROOT)}: {page}#{section}"
            cited += page == "design.md"
    assert cited > 10, "the code cites the design"


@cache
def sections(page: str) -> frozenset[str]:
    """The anchors of a page of ``docs``, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / page).read_text(), re.M)
    return frozenset(re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in headings)
