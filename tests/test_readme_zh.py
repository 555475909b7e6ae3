"""README.zh.md has what README.md has: each section says which text it is the translation of."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_OF = re.compile(r"<!-- of: (\w+) -->")
_GENERATED = re.compile(r"<!-- make bench writes this -->.*?<!-- until here -->", re.S)
"""The table of figures, to which the translation has a link."""

_LINK = re.compile(r"\]\(([^)#]+)\)")
_EACH_OTHER = {"README.md", "README.zh.md"}


def sections(name: str) -> list[str]:
    """The text before the first heading, and each section with its heading."""
    return re.split(r"^(?=## )", _GENERATED.sub("", (ROOT / name).read_text()), flags=re.M)


def digest(section: str) -> str:
    return hashlib.sha256(" ".join(section.split()).encode()).hexdigest()[:8]


PAIRS = [*zip(sections("README.md"), sections("README.zh.md"), strict=True)]


@pytest.mark.parametrize(("original", "translated"), PAIRS)
def test_a_section_is_the_translation_of_the_text_of_today(original: str, translated: str) -> None:
    heading = original.partition("\n")[0]
    found = _OF.search(translated)
    assert found, f"{heading}: the translation has no <!-- of: … -->"
    wanted = digest(original)
    assert found[1] == wanted, f"{heading} has changed: translate it, then write of: {wanted}"


@pytest.mark.parametrize(("original", "translated"), PAIRS)
def test_commands_rows_and_links_are_the_same(original: str, translated: str) -> None:
    for part in (r"```.*?```", r"^\| ---[^\n]*$", r"!\[[^\]]*\]\(([^)]+)\)"):
        found = [re.findall(part, text, re.M | re.S) for text in (original, translated)]
        assert found[0] == found[1]
    rows = [len(re.findall(r"^\|", text, re.M)) for text in (original, translated)]
    assert rows[0] == rows[1]
    links = [{*_LINK.findall(text)} - _EACH_OTHER for text in (original, translated)]
    assert links[0] == links[1]
