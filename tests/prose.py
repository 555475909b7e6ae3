"""The words of `docs/style.md` that this repository does not use: `make check` looks for them.

``python -m tests.prose`` prints each with its place, and fails where there is one. In Markdown,
code between backticks is not looked at; in Python, everything is.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
_RULES = "docs/style.md"
_ABOUT_WORDS = ("tests/prose.py", "tests/test_prose.py")
TO_DO = "tests/prose_to_do.txt"
"""Files, and packages as a whole, that still have to be rewritten: one a line."""

_CODE = re.compile(r"^```.*?^```|`[^`]*`", re.M | re.S)


def words(rules: str) -> dict[str, str]:
    """By word that is not used, what is written instead: the last table of the rules."""
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", rules.split("## Words")[1], re.M)
    return {word: instead for left, instead in rows[2:] for word in left.split(", ")}


def found(text: str, instead: dict[str, str]) -> Iterator[tuple[int, str]]:
    """Line and word of each that is not used."""
    any_of = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in instead)
    for match in re.finditer(rf"\b(?:{any_of})\b", text, re.I):
        yield text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()).lower()


def problems(root: Path = ROOT) -> Iterator[str]:
    """A sentence for each word to replace, and for each line of the list that can be removed."""
    instead = words((root / _RULES).read_text())
    to_do = (root / TO_DO).read_text().split()
    excused: set[str] = set()
    for name, text in _texts(root):
        place = next((one for one in to_do if name == one or name.startswith(f"{one}/")), None)
        for line, word in found(text, instead):
            if place is None:
                yield f"{name}:{line}: {word!r} is not used here; write {instead[word]!r}"
            else:
                excused.add(place)
    for place in to_do:
        if place not in excused:
            yield f"{place} is listed in {TO_DO}, but is clean; remove it from the list"


def _texts(root: Path) -> Iterator[tuple[str, str]]:
    """Name and prose of each file."""
    for pattern in ("*.md", "docs/*.md", ".github/*.md"):
        for path in sorted(root.glob(pattern)):
            text = path.read_text()
            name = str(path.relative_to(root))
            prose = text.split("## Words")[0] if name == _RULES else text
            yield name, _CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), prose)
    for folder in ("reconciler", "tests", "e2e"):
        for path in sorted((root / folder).rglob("*.py")):
            name = str(path.relative_to(root))
            if name not in _ABOUT_WORDS:
                yield name, path.read_text()


if __name__ == "__main__":
    told = list(problems())
    print("\n".join(told), file=sys.stderr)
    sys.exit(bool(told))
