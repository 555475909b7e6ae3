"""The words of `docs/style.md` that this repository does not use: `make check` looks for them.

``python -m tests.prose`` prints each with its place, and fails where there is one. In Markdown,
code between backticks is not looked at; in Python, everything is. Names of variables, functions
and fields have a table of their own.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[1]
_RULES = "docs/style.md"
_ABOUT_WORDS = ("tests/prose.py", "tests/test_prose.py")
TO_DO = "tests/prose_to_do.txt"
"""Files and packages that still have to be rewritten, one a line: `PLACE`, or `PLACE: WORD`."""
NAMES_TO_DO = "tests/names_to_do.txt"
"""The same of those whose names are still to be replaced."""

_NAMED = ("id", "attr", "arg", "name", "asname")
"""Where a node of Python's syntax tree has a name."""
_CODE = re.compile(r"^```.*?^```|`[^`]*`", re.M | re.S)


class _Check(NamedTuple):
    table: str
    to_do: str
    texts: Callable[[Path], Iterator[tuple[str, str]]]
    found: Callable[[str, Mapping[str, str]], Iterator[tuple[int, str]]]


def words(rules: str, table: str = "Words") -> dict[str, str]:
    """By word that is not used, what is written instead: the table below that heading."""
    section = rules.partition(f"## {table}\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", section, re.M)
    return {word: instead for left, instead in rows[2:] for word in left.split(", ")}


def found(text: str, instead: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Line and word of each that is not used; in quotes of its own it is a name: the user
    nobody."""
    any_of = "|".join(re.escape(word).replace(r"\ ", r"\s+") for word in instead)
    for match in re.finditer(rf"(?<![^\"]\")(?<!``)\b(?:{any_of})\b", text, re.I):
        yield text.count("\n", 0, match.start()) + 1, " ".join(match[0].split()).lower()


def names(code: str, instead: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Line and word of each name that is, or has as a part, one that is not used."""
    for node in ast.walk(ast.parse(code)):
        for name in filter(None, (getattr(node, field, None) for field in _NAMED)):
            for word in instead.keys() & name.lower().split("_"):
                yield getattr(node, "lineno", 0), word


def problems(root: Path = ROOT) -> Iterator[str]:
    """A sentence for each word to replace, and for each line of a list that can be removed."""
    rules = (root / _RULES).read_text()
    for check in (
        _Check("Words", TO_DO, _texts, found),
        _Check("Names", NAMES_TO_DO, _program, names),
    ):
        yield from _problems(check, root, words(rules, check.table))


def _problems(check: _Check, root: Path, instead: Mapping[str, str]) -> Iterator[str]:
    to_do = (root / check.to_do).read_text().splitlines()
    excused: set[str] = set()
    for name, text in check.texts(root):
        of_file = [entry for entry in to_do if f"{name}/".startswith(f"{entry.split(': ')[0]}/")]
        for line, word in check.found(text, instead):
            entry = next((one for one in of_file if _excuses(one, word)), None)
            if entry is None:
                yield f"{name}:{line}: {word!r} is not used here; write {instead[word]!r}"
            else:
                excused.add(entry)
    for entry in to_do:
        if entry not in excused:
            yield f"{entry} is listed in {check.to_do}, but is clean; remove it from the list"


def _excuses(entry: str, word: str) -> bool:
    """Whether a line of a list covers this word: `PLACE` covers all, `PLACE: WORD` that one."""
    _, _, only = entry.partition(": ")
    return only in ("", word)


def _texts(root: Path) -> Iterator[tuple[str, str]]:
    """Name and prose of each file."""
    for pattern in ("*.md", "docs/*.md", ".github/*.md"):
        for path in sorted(root.glob(pattern)):
            text = path.read_text()
            name = str(path.relative_to(root))
            prose = text.split("## Words")[0] if name == _RULES else text
            yield name, _CODE.sub(lambda code: re.sub(r"[^\n]", " ", code[0]), prose)
    for name, text in _code(root, "reconciler", "tests", "e2e"):
        if name not in _ABOUT_WORDS:
            yield name, text


def _program(root: Path) -> Iterator[tuple[str, str]]:
    """Name and code of each file of recon itself."""
    return _code(root, "reconciler")


def _code(root: Path, *folders: str) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            yield str(path.relative_to(root)), path.read_text()


if __name__ == "__main__":
    sentences = list(problems())
    print("\n".join(sentences), file=sys.stderr)
    sys.exit(bool(sentences))
